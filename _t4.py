import time
from parity import atlas
from parity.runner import op_name, registry_keys
from parity.engines import open_engine
if __name__=="__main__":
    w=atlas.quick([op_name(k) for k in registry_keys(open_engine("minitorch_ref"))])
    s=time.time()
    r=atlas.run("minitorch_ref","torch",w,("float32",),atlas.Depth(points=1000,line=2048,slopes=False),None)
    print(len(w),len(r),time.time()-s, len(atlas.as_json({"records":r})))
