import numpy as np, minitorch_ref as mt
from minitorch_ref.tensor import wrap
if not callable(mt.tensor):
    def tensor(v,dtype=None,requires_grad=False):
        a=np.array(v, dtype=dtype.np if dtype else None)
        if a.dtype==np.float64 and dtype is None: a=a.astype(np.float32)
        t=wrap(a); 
        if requires_grad: t.requires_grad=True
        return t
    mt.tensor=tensor
    def sh(a): return a[0] if len(a)==1 and isinstance(a[0],(tuple,list)) else a
    mt.zeros=lambda *s,dtype=None: wrap(np.zeros(sh(s),dtype.np if dtype else np.float32))
    mt.ones=lambda *s,dtype=None: wrap(np.ones(sh(s),dtype.np if dtype else np.float32))
