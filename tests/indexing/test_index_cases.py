"""Every form of `x[index]`, `x[index] = value` and of the index functions, one line each.

A line is run on both engines; results, dtypes, layouts, graph nodes and exceptions must be the same.
"""

import numpy as np
import pytest
import torch
from indexing_sides import described, is_tensor, key_phrase, node_name, outcome

import minitorch_ref as mt


def names(engine):
    x = engine.arange(12.0).reshape(3, 4)
    return {
        "torch": engine, "np": np, "T": engine.tensor, "L": engine.int64, "x": x, "m": x > 4,
        "xr": x.clone().requires_grad_(), "xi": engine.arange(12).reshape(3, 4),
        "i": engine.tensor([0, 1]), "s": engine.tensor(1.5), "ones": engine.ones,
        "y": engine.arange(24.0).reshape(2, 3, 4).requires_grad_(), "zeros": engine.zeros,
        "b": engine.ones(3, dtype=engine.bool),
    }  # fmt: skip


READS = """
y[:]|y[...]|y[()]|y[None]|y[0]|y[0,:]|y[:,0]|y[0:2]|y[0:1]|y[:,:]|y[:,...]|y[...,0]|y[0,...,None]
y[None,0]|y[True]|y[False]|y[True,0]|y[0,True]|y[T(True)]|y[T(1)]|y[T(1,dtype=torch.uint8)]
y[T(0,dtype=torch.uint8)]|y[T([1,0],dtype=torch.uint8)]|y[T(1,dtype=torch.int8)]
y[T([1],dtype=torch.int8)]|y[T([1],dtype=torch.int16)]|y[T([1.])]|y[T(1.)]|y[[0,1]]
y[[[0,1],[1,0]]]|y[[0,slice(None)]]|y[[None,0]]|y[[True,False]]|y[[True,False,True]]|y[(0,[1,2])]
y[[0,1],:,[1,2]]|y[:,[0,1]]|y[:,:,[0,1]]|y[[0,1],[0,1]]|y[[0,1],None,[0,1]]|y[0,:,[1,2]]
y[:,[0,1],[2,3]]|y[:,[[0],[1]],[2,3]]|y[np.array([0,1])]|y[np.array(1)]|y[np.array([True,False])]
y[np.array([0,1],dtype=np.int32)]|y[np.array([0.,1])]|y[np.int64(1)]|y[np.bool_(True)]
y[np.float32(1)]|y[1.0]|y[0.5:1]|y[::-1]|y[::0]|y[5]|y[-3]|y[0,5]|y[0,0,0,0]|y[:,:,:,:]|y[...,...]
y[..., 0, ...]|y[T([5])]|y[:,T([5])]|y[:,T([-4])]|y[T([0]),T([7])]|y[zeros(3,dtype=torch.bool)]
y[:,zeros(2,dtype=torch.bool)]|y[zeros(2,3,4,1,dtype=torch.bool)]|y[zeros(2,3,4,dtype=torch.bool)]
y[ones(2,3,dtype=torch.bool)]|y[ones(3,3,dtype=torch.bool)]|y[:,ones(3,4,dtype=torch.bool)]
y[T([0,1]),T([0,1,2])]|y[ones(2,dtype=torch.bool),[0,1,2]]|y[ones(2,dtype=torch.bool),0]|y[[]]
y[T([])]|y[:,[]]|y[5:10]|y[-1:]|y[T(0):T(1)]|y[T([0,1]).unsqueeze(1), T([[0,2]])]|y[0][0][0][0]
y[0,0,0][None]|y[0,0,0][True]|y[0,0,0][...]|y[0,0,0][[0]]|y[0,0,0][T(True)]|y[0,0,0][T([True])]
zeros(0,3)[T([0])]|zeros(0,3)[zeros(0,dtype=L)]|zeros(2,0)[:,T([0])]|zeros(0,3)[0]|y[range(2)]
y[(slice(0,1),)]|y[{1}]|y[T([[0,1],[1,0]])]|y[:,0:2,[1,2]]|y[0:1,[1,2]]|y[[0,1],...,[0,1]]
y[T([0,1],dtype=torch.int32),T([0,1])]|y[[0,1],[True,False,True]]|y[True,[0,1]]|y[[0,1],True]
y[[0,1],:,True]|y[False,[0,1]]|y[None,True]|y[T(1),T(2),T(3)]|y[T(5)]|y[2**70]|y[:2**70]|y[-2**70:]
y[T([1,2],dtype=torch.complex64)]|y[(0,1),(0,1)]|y[(0,1)]|y[[(0,1),(0,1)]]|y[::2,1:,::3]|y[None,:,None,1]
y[..., None, 0:2]|y.transpose(0,2)[1:,None]|y.transpose(0,2)[[0,3],1]|y[:,None,[0,1],:,None]
"""

WRITES = """
x[0]=1|x[0]=[1,2,3,4]|x[0]=np.ones(4)|x[0]=np.float32(3)|x[0]=np.float64(3)|x[0]=T(3)
x[0]=T([1,2,3,4],dtype=torch.float64)|x[0]=T([1.,2])|x[0]=ones(1,1,4)|x[0]='a'|x[0]=None|x[0]=True
x[0]=1+2j|x[i]=1|x[i]=T([1.,2,3,4])|x[i]=T([1.,2,3,4],dtype=torch.float64)|x[i]=T([1,2,3,4])|x[i]=T(3)
x[i]=ones(1,2,4)|x[i]=ones(3,4)|x[i]=1+2j|x[m]=1|x[m]=torch.arange(7.)|x[m]=torch.arange(6.)|x[m]=T([1.])
x[m]=T(1)|x[m]=T(1,dtype=torch.float64)|x[m]=1j|x[x>5]=x[x>5]*2|x[m[0:1]]=1|x[True]=5|x[False]=5|x[...]=5
x[()]=5|x[None]=5|x[None,0]=5|x[0,i]=5|x[:,i]=ones(3,2)|x[[0,0]]=T([[1.],[2.]])|x[0:0]=5|x[5]=1|x[T([5])]=1
xi[0]=1.5|xi[0]=T(1.5)|xi[i]=1.5|xi[m]=1.5|xi[0]=float('nan')|xi[0]=1j|xr[0]=1|xr[i]=1|xr[m]=1|x[0]=xr[1]
x[i]=xr[i]|x[m]=xr[m]|x[i]=xr[1,1]|x.expand(2,3,4)[0]=1|zeros(3,dtype=torch.uint8)[0]=300
zeros(3,dtype=torch.uint8)[i]=300|zeros(3,dtype=torch.uint8)[0]=-1|b[0]=3|s[()]=4|s[...]=4|s[0]=4|s[T(True)]=4
x[i,i,i]=1|x[0,0,0]=1|x[1:]=x[:-1]|x[i]=x[:2]|x[0]=x[0]|x.t()[0]=T([1.,2,3])|x.t()[i]=7|x.t()[:,i]=xr[:2].t()
x[:,1:3]=ones(3,2)|x[::2,[0,0]]=T([[1.,2]])|x[0]=xr.sum()|x[[0,1],[1,2]]=xr[0,:2]|xi[m]=T(7,dtype=torch.int32)
x[None,i]=2|x[i,None]=ones(4)|x.expand(2,3,4)[:,0]=1|torch.tensor(1.).expand(3)[i]=1
"""

FUNCTIONS = """
xr.gather(0,T([[0,1]]))|x.gather(0,T([[3]]))|x.gather(0,T([[-1]]))|x.gather(1,T([0]))|x.gather(2,T([[0]]))
x.gather(0,T([[0.]]))|x.gather(0,T([[0]],dtype=torch.int32))|x.gather(0,T([[0,0,0,0,0]]))|s.gather(0,T(0))
x.gather(1,T([[0,0,0,0,0]]))|x.gather(0,zeros(0,4,dtype=L))|x.gather(0,zeros(0,dtype=L))|s.gather(0,T([0,0]))
T([1.,2]).gather(0,T(1))|x.gather(0,[0])|x.gather(0,index=T([[0]]),sparse_grad=True)|x.gather(0)
xr.scatter(0,T([[0,1]]),5)|xr.scatter(0,T([[0,1]]),T([[5.,6]]))|x.scatter(0,T([[0,1]]),T([[5,6]]))
x.scatter(0,T([[3,1]]),1.)|x.scatter(0,T([[-1,1]]),1.)|x.scatter(0,T([[0,1]]),T([[5.]]))
x.scatter(0,T([0,1]),T([5.]))|x.scatter(0,T([0,1]),1)|x.scatter(0,T([[0,1]]),1.,reduce='add')
x.scatter(0,T([[0,1]]),2.,reduce='multiply')|x.scatter(0,T([[0,1]]),1.,reduce='sum')
xr.scatter(0,T([[0,1]]),1.,reduce='add').sum().backward()|xr.scatter(0,T([[0,1]]),T([[1.,2]]),reduce='add')
x.scatter(0,T([[0,1]],dtype=torch.int32),1.)|x.scatter(0,zeros(5,4,dtype=L),zeros(5,4))
x.scatter(0,zeros(1,5,dtype=L),zeros(1,5))|x.scatter(0,zeros(0,dtype=L),zeros(1,5))|xi.scatter(0,T([[0]]),1.5)
xi.scatter(0,T([[0]]),1j)|x.scatter(0,T([[0]]),'a')|x.scatter(dim=0,index=T([[0,1]]),value=3)
x.scatter(dim=0,index=T([[0,1]]),src=ones(1,2))|s.scatter(0,T(0),2.)|s.scatter(0,T([0]),T([2.]))
xr.scatter_add(0,T([[0,1]]),T([[5.,6]]))|x.scatter_add(0,T([[9,1]]),T([[5.,6]]))|x.scatter_add(0,T([[0]]),1.)
x.scatter_add(0,T([[0,1]]),T([[5,6]]))|b.scatter_add(0,T([0]),b[:1])|s.scatter_add(0,T([0,0]),T([1.,2]))
ones(3,dtype=torch.half).scatter_add(0,T([0,0]),ones(2,dtype=torch.half))
xr.scatter_reduce(0,T([[0,1]]),T([[5.,6]]),'sum')|xr.scatter_reduce(0,T([[0,1]]),T([[5.,6]]),'prod')
xr.scatter_reduce(0,T([[0,1]]),T([[5.,6]]),'mean')|xr.scatter_reduce(0,T([[0,1]]),T([[5.,6]]),'amax')
xr.scatter_reduce(0,T([[0,1]]),T([[5.,6]]),'amin',include_self=False)|x.scatter_reduce(0,T([[0]]),x,'foo')
x.scatter_reduce(0,T([[9,1]]),T([[5.,6]]),'sum')|x.scatter_reduce(0,T([[0,1]]),T([[5,6]]),'sum')
x.scatter_reduce(0,T([0,1]),T([[5.,6]]),'sum')|xi.scatter_reduce(0,T([[0,0]]),T([[5,6]]),'mean')
(xi*0-5).scatter_reduce(0,T([[0,0]]),T([[5,6]]),'mean')|b.scatter_reduce(0,T([0]),b[:1],'amax')
ones(3,dtype=torch.complex64).scatter_reduce(0,T([0]),ones(1,dtype=torch.complex64),'amax')
ones(3,dtype=torch.complex64).scatter_reduce(0,T([0]),ones(1,dtype=torch.complex64),'prod')
xr.index_select(0,i)|x.index_select(0,T([3]))|x.index_select(0,T([-1]))|x.index_select(1,T([9]))
x.index_select(0,T([[0]]))|x.index_select(0,T(0))|x.index_select(0,T([0.]))|x.index_select(3,T([0]))
x.index_select(0,T([0],dtype=torch.int32))|s.index_select(0,T([0]))|s.index_select(0,T([1]))
s.index_select(0,T([0,0]))|x[0].index_select(0,T([9]))|torch.index_select(x,0)
xr.index_add(0,i,ones(2,4))|xr.index_add(0,i,ones(2,4),alpha=2)|x.index_add(0,T([3]),ones(1,4))
x.index_add(0,T([-1]),ones(1,4))|x.index_add(0,i,ones(3,4))|x.index_add(0,i,ones(2,3))|x.index_add(0,i,1.)
x.index_add(0,i,ones(2,4,dtype=torch.float64))|x.index_add(0,T([0.]),ones(1,4))|x.index_add(0,T(0),ones(4))
x.index_add(0,T([[0]]),ones(1,4))|x.index_add(0,T(0),ones(1,4))|b.index_add(0,T([0]),b[:1])
x.index_add(0,T([0],dtype=torch.int32),ones(1,4))|xi.index_add(0,i,ones(2,4,dtype=L),alpha=1.5)
s.index_add(0,T([0]),T([2.]))|s.index_add(0,T([0]),T(2.))|x.index_add(1,i,ones(3,2),alpha=-0.5)
xr.index_copy(0,i,ones(2,4))|x.index_copy(0,T([3]),ones(1,4))|x.index_copy(0,T([-1]),ones(1,4))
x.index_copy(0,i,ones(3,4))|x.index_copy(0,i,ones(2,3))|x.index_copy(0,i,T(1.))|s.index_copy(0,T([0]),T([2.]))
x.index_copy(0,i,ones(2,4,dtype=torch.float64))|x.index_copy(0,T([0],dtype=torch.int32),ones(1,4))
x.index_copy(1,i,ones(3,2))|x.index_copy(0,T([[0]]),ones(1,4))|x[0].index_copy(0,T([1]),T(9.))
xr.index_fill(0,i,3)|xr.index_fill(0,i,T(3.))|x.index_fill(0,i,T([3.]))|x.index_fill(0,T([3]),3)
x.index_fill(0,T([-1]),3)|x.index_fill(0,T([[0]]),3)|x.index_fill(0,T([0],dtype=torch.int32),3)
x.index_fill(0,i,1j)|xi.index_fill(0,i,1.5)|x.index_fill(dim=0,index=i,value=3)|x.index_fill(0,1,1)
s.index_fill(0,T([0]),4)|xr.index_put((i,),T(1.))|xr.index_put((i,),T(1.),accumulate=True)
x.index_put((i,),T(1))|x.index_put((i,None),T(1.))|x.index_put((None,i),T(1.))|x.index_put((m,),T(1.))
x.index_put((i,i,i),T(1.))|x.index_put(i,T(1.))|x.index_put((m,),T([1.]),accumulate=True)
b.index_put((T([0]),),b[:1],accumulate=True)|x.index_put((T(1),),T(5.))|x.index_put((T(1),i),T([5.,6]))
x.index_put_((i,),T([1.,2.]))|torch.index_put(x,(i,),T(1.))|torch.index_put_(x,(i,),T(1.))
xr.masked_select(m)|x.masked_select(m[0])|x.masked_select(m[0,:2])|x.masked_select(xi)|x.masked_select(1)
x.masked_select(m.byte())|torch.masked_select(m,m)|x[0].masked_select(m)|s.masked_select(m)
xr.masked_fill(m,1)|xr.masked_fill(m,T(1.))|x.masked_fill(m,T([1.]))|x.masked_fill(m[0],1)|x.masked_fill(m,'a')
x.masked_fill(m[0,:2],1)|x.masked_fill(xi,1)|x.masked_fill(m.byte(),1)|x.masked_fill(m,1j)|x.masked_fill(1,1)
xi.masked_fill(m,1.5)|xi.masked_fill(m,T(1.5))|x.masked_fill(ones(2,3,4,dtype=torch.bool),1)|s.masked_fill(m,2)
x.masked_fill_(ones(2,3,4,dtype=torch.bool),1)|x.masked_fill(mask=m,value=3)|x.t().masked_fill(m.t(),2)
xr.masked_scatter(m,torch.arange(12.))|x.masked_scatter(m,torch.arange(6.))|x.masked_scatter(m,torch.arange(12))
x.masked_scatter(m[0],torch.arange(20.))|x.masked_scatter(xi,torch.arange(20.))
x.masked_scatter(ones(2,3,4,dtype=torch.bool),torch.arange(50.))|x.t().masked_scatter(m.t(),x)
xr.take(T([0,11,-1]))|x.take(T([12]))|x.take(T([-13]))|x.take(T([0.]))|x.take(T([0],dtype=torch.int32))
zeros(0).take(T([0]))|x.take(T([[0,1]]))|x.take(1)|x.t().take(T([1]))|xr.take_along_dim(T([[0],[1],[2]]),1)
xr.take_along_dim(T([0,5]))|x.take_along_dim(T([0,12]))|x.take_along_dim(T([0]),1)|x.take_along_dim(T([[0.]]),1)
x.take_along_dim(T([[-1]]),1)|x.take_along_dim(zeros(2,2,dtype=L),1)|xr.take_along_dim(T([[1,2]]),1)
xr.put(T([0,1]),T([1.,2]))|xr.put(T([0,0]),T([1.,2]),accumulate=True)|x.put(T([0,1]),T([1.]))
x.put(T([12]),T([1.]))|x.put(T([0]),T([1]))|x.put(T([0],dtype=torch.int32),T([1.]))|x.put(T([-1]),T([1.]))
b.put(T([0]),b[:1],accumulate=True)|x.nonzero()|torch.nonzero(x,as_tuple=True)|torch.nonzero(x)|x.argwhere()
s.nonzero()|T(0.).nonzero()|s.nonzero(as_tuple=True)|T(0.).nonzero(as_tuple=True)|zeros(0,3).nonzero()
torch.where(m)|torch.where(m,xr,x)|torch.where(m,xr,1.)|torch.where(m,1,2)|torch.where(m,1.,2)
torch.where(m,x,1j)|torch.where(m,x,xi)|torch.where(m,x,T(1.,dtype=torch.float64))|torch.where(xi,x,x)
torch.where(m.byte(),x,x)|torch.where(m,x,ones(5))|torch.where(m,x)|xr.where(m,0)|torch.where(m,T(1,dtype=torch.int8),3)
torch.where(m,T([1,2,3,4],dtype=torch.int8),300)|torch.where(m,True,2)|torch.where(x,x,x)|torch.where(1,x,x)
torch.where(m[0],x,xr[:,:1])|torch.where(s>1,x,xi)|torch.where(condition=m,input=x,other=xi)|x.where(m)
x.index_add_(0,i,x[:2])|x.index_copy_(0,i,x[:2])|x.scatter_(0,T([[0,1]]),x)
xi.index_fill_(0,xi[0],3)|x.put_(T([0,1]),x[0,:2])|x.scatter_reduce_(0,T([[0,1]]),x,'sum')
xr.index_add_(0,i,ones(2,4))|xr.scatter_(0,T([[0]]),1.)|xr.masked_fill_(m,1)|xr[0].masked_fill_(m[0],1)
x.expand(2,3,4).masked_fill_(m,1)|x.t().scatter_(0,T([[0,1]]),9.)|x.t().index_add_(0,i,ones(2,3))
x[:,1:].index_fill_(1,i,-1)|x[:,::2].masked_fill_(m[:,::2],-1)|x.t().put_(T([1]),T([7.]))
torch.gather(x,0,T([[0,1]]),out=torch.empty(0))|torch.index_select(x,0,i,out=torch.empty(0))
torch.where(m,x,x,out=torch.empty(0))|torch.take(x,i,out=torch.empty(0))|torch.masked_select(x,m,out=torch.empty(0))
torch.nonzero(x,out=torch.empty(0,dtype=L))|torch.scatter(x,0,T([[0,1]]),3,out=torch.empty(0))
torch.scatter_add(x,0,T([[0,1]]),ones(1,2),out=torch.empty(0))|torch.gather(xr,0,T([[0]]),out=torch.empty(0))
torch.scatter_reduce(x,0,T([[0,1]]),ones(1,2),'sum',out=torch.empty(0))
torch.index_add(x,0,i,ones(2,4),out=torch.empty(0))|torch.index_copy(x,0,i,ones(2,4),out=torch.empty(0))
torch.index_fill(x,0,i,2.,out=torch.empty(0))|torch.take_along_dim(x,T([[0]]),1,out=torch.empty(0))
torch.argwhere(x,out=torch.empty(0))|torch.masked_scatter(x,m,x,out=torch.empty(0))
"""


def lines(text):
    return [part.strip() for line in text.strip().splitlines() for part in line.split("|")]


def run_line(line):
    def run(engine):
        scope = names(engine)
        if line in lines(WRITES):
            exec(line, scope)
            return [scope[n] for n in ("x", "xi", "b", "s")]
        return eval(line, scope)

    return run


def nodes(result):
    if is_tensor(result):
        return node_name(result)
    return [nodes(r) for r in result] if isinstance(result, (list, tuple)) else None


def compare(line, strides):
    run = run_line(line)
    ours, theirs = outcome(run, mt), outcome(run, torch)
    if "error" in (ours[0], theirs[0]):
        assert ours[:2] == theirs[:2], (ours, theirs)
        if theirs[1] != "TypeError" and not theirs[2].startswith("expand("):
            assert key_phrase(ours[2]) == key_phrase(theirs[2])
        return
    assert described(ours[1], strides) == described(theirs[1], strides)
    assert nodes(ours[1]) == nodes(theirs[1])


@pytest.mark.parametrize("line", lines(READS))
def test_reads(line):
    compare(line, strides=True)


@pytest.mark.parametrize("line", lines(WRITES))
def test_writes(line):
    compare(line, strides=True)


@pytest.mark.parametrize("line", lines(FUNCTIONS))
def test_functions(line):
    compare(line, strides=False)


def test_the_comparison_rejects_a_wrong_engine(monkeypatch):
    """A gather that is off by one, and an error of the wrong type, must both be caught."""
    original = mt.Tensor.gather
    monkeypatch.setattr(mt.Tensor, "gather", lambda t, dim, i, **k: original(t, dim, i, **k) + 1)
    with pytest.raises(AssertionError):
        compare("x.gather(0,T([[0,1]]))", strides=False)

    def wrong(t, dim, i, **k):
        raise IndexError("index 3 is out of bounds for dimension 0 with size 3")

    monkeypatch.setattr(mt.Tensor, "gather", wrong)
    with pytest.raises(AssertionError):
        compare("x.gather(0,T([[3]]))", strides=False)
