"""Property tests: the same examples on every run, or many fresh ones on demand.

A change is judged by examples that do not vary from run to run.  To search for new ones:

    pytest --hypothesis-profile=deep
"""

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("deep", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile("same")
