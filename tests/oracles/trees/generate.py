"""Generator of tree instances: python3 generate.py KIND N P K PREFIX [SEED]; the files here named cont, mixed and bin have seed 101.
 rng = numpy.random.default_rng([seed,n,p,K,kind_code]) (PCG64).
kinds: 0 cont  X~N(0,1)
       1 mixed first ceil(p/2) columns round(N(0,1),1); rest Bernoulli(q_j), q_j~U(.2,.8)
       2 bin   every column Bernoulli(q_j), q_j ~ U(.2,.8)
Order of draws: X (column blocks), W, eps, mu.
Rewards (AIPW-like): Z=(X-mean)/sd (sd floored at 1e-9).
 tau_0(x)=0.  For a=1..K-1, three features f1,f2,f3 = (a-1+{0,1,2})%p :
 tau_a(x)=0.6*tanh(Z[f1]) + 0.8*(1[Z[f1]>0]*1[Z[f2]>0]-0.25) - 0.4*1[Z[f3]>0.5] + 0.1*cos(a)
 base m(x)=0.3*Z[0]; propensity e_a=1/K; W ~ uniform{0..K-1}; Y=m+tau_W+eps, eps~N(0,1)
 muhat_a = m + tau_a + N(0,0.2) (nuisance error, iid)
 Gamma[i,a]=muhat_a + 1[W=a]*K*(Y-muhat_a)
"""
import numpy as np, math
KIND={'cont':0,'mixed':1,'bin':2}
def gen(kind,n,p,K,seed=1):
    rng=np.random.default_rng([seed,n,p,K,KIND[kind]])
    if kind=='cont': X=rng.standard_normal((n,p))
    elif kind=='mixed':
        h=math.ceil(p/2); A=np.round(rng.standard_normal((n,h)),1)+0.0
        q=rng.uniform(.2,.8,p-h); B=(rng.random((n,p-h))<q).astype(float); X=np.hstack([A,B])
    else:
        q=rng.uniform(.2,.8,p); X=(rng.random((n,p))<q).astype(float)
    Z=(X-X.mean(0))/np.maximum(X.std(0),1e-9)
    tau=np.zeros((n,K))
    for a in range(1,K):
        f1,f2,f3=[(a-1+j)%p for j in range(3)]
        tau[:,a]=.6*np.tanh(Z[:,f1])+.8*((Z[:,f1]>0)*(Z[:,f2]>0)-.25)-.4*(Z[:,f3]>.5)+.1*math.cos(a)
    m=.3*Z[:,0]; W=rng.integers(0,K,n); eps=rng.standard_normal(n); mu=m[:,None]+tau+.2*rng.standard_normal((n,K))
    Y=m+tau[np.arange(n),W]+eps
    G=mu.copy(); G[np.arange(n),W]+=K*(Y-mu[np.arange(n),W])
    return X,G
def name(kind,n,p,K,seed=1): return f"{kind}_n{n}_p{p}_K{K}_s{seed}"
def write_csv(prefix,X,G):
    for s,M,c in (('X',X,'x'),('G',G,'a')):
        with open(f"{prefix}_{s}.csv",'w') as f:
            f.write(','.join(f"{c}{j}" for j in range(M.shape[1]))+'\n')
            for r in M: f.write(','.join(repr(float(v)) for v in r)+'\n')
if __name__ == "__main__":
    import sys
    kind, n, p, K, prefix = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    write_csv(prefix, *gen(kind, n, p, K, int(sys.argv[6]) if len(sys.argv) > 6 else 1))
