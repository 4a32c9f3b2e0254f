package low

// sequenceText is the arithmetic of the functions on float32, the same on every port. A block begins with the name and
// the parameters; each line after it names the result of one operation on 32-bit values, the last line's is the
// block's. A block with the parameter [16] is a table. An operation is the name of an earlier block, which is then inlined, or
// of a table, whose element is looked up by the low four bits of the operand, or
//
//	fma a b c    a*b+c rounded once; fma! where the result is exact, fma0 where a often is 0
//	add sub mul div    rounded once
//	clampmax a b, clampmin a b    a>b ? a : b, a<b ? a : b
//	lt a b       a truth value, for sel only
//	sel c a b    c ? a : b
//	and or       of bits
//	iadd isub    of 32-bit integers
//	shl shr      of unsigned integers, by a constant
//
// Scaling by 2^n is a multiplication by a number built from integers, never an addition to the exponent of p, so that
// a NaN stays one. docs/numerics.md gives the bounds and the reasons.
const sequenceText = `
nearest x            # 1.5*2^23 + x/ln 2 rounded: its low bits are the integer n
	z = fma x 0x1.715476p+0 0x1.8p+23

remainder x z        # x - n ln 2
	n = sub z 0x1.8p+23
	r = fma! n -0x1.63p-1 x
	r = fma0 n 0x1.bd0106p-13 r

exprm1 x z           # exp(x)/2^n - 1
	r = remainder x z
	q = fma 0x1.6a4f88p-10 r 0x1.123988p-7
	q = fma q r 0x1.5558aep-5
	q = fma q r 0x1.555492p-3
	q = fma q r 0x1.fffffcp-2
	s = mul r r
	q = fma q s r

expr x z             # exp(x)/2^n
	q = exprm1 x z
	p = add q 1

scale p m            # p * 2^m, for m in -127..127, 2^-127 counting as 0
	e = shl m 23
	f = iadd e 0x3f800000
	y = mul p f

exp2 [16]            # 2^(i/16)
	0x1p+0 0x1.0b5586p+0 0x1.172b84p+0 0x1.2387a6p+0
	0x1.306fep+0 0x1.3dea64p+0 0x1.4bfdaep+0 0x1.5ab07ep+0
	0x1.6a09e6p+0 0x1.7a1148p+0 0x1.8ace54p+0 0x1.9c4918p+0
	0x1.ae89fap+0 0x1.c199bep+0 0x1.d5818ep+0 0x1.ea4afap+0

# exp(a) for a <= 0 where functions of it need it most exact next to 0.
decay a
	a = clampmax -88 a
	z = nearest a
	p = expr a z
	y = scale p z

# exp(x) for x <= 0; below -87.36 it is 0. n is the integer next to 16x/ln 2, r = x - n ln 2 / 16.
expneg x
	x = clampmax -88 x
	z = fma x 0x1.715476p+4 0x1.8p+23
	n = sub z 0x1.8p+23
	r = fma! n -0x1.63p-5 x
	r = fma0 n 0x1.bd0106p-17 r
	q = fma 0x1.555758p-3 r 0x1.00022p-1
	s = mul r r
	p = fma q s r        # exp(r) - 1
	t = exp2 z
	m = and z 0xfffffff0
	m = shl m 19
	m = iadd m 0x3f800000
	t = mul t m          # 2^(n/16)
	y = fma0 t p t

# exp(x): two steps of scaling, the first exact, so that overflow and subnormal results are rounded once.
exp x
	x = clampmax -104 x
	x = clampmin 89 x
	z = nearest x
	p = expr x z
	h = shr z 1
	y = scale p h
	k = isub z h
	y = scale y k

# exp(x) - 1 = 2 (2^(n-1) (exp(r) - 1) + 2^(n-1) - 1/2)
expm1 x
	x = clampmax -18 x
	x = clampmin 89 x
	z = nearest x
	q = exprm1 x z
	e = shl z 23
	t = iadd e 0x3f000000
	u = sub t 0.5
	y = fma q t u
	y = add y y

sigmoid x
	n = or x 0x80000000
	e = decay n
	c = lt x 0
	t = sel c e 1
	d = add e 1
	y = div t d

tanh x
	a = and x 0x7fffffff
	u = mul a a
	p = fma -0x1.756d14p-8 u 0x1.520a3ap-6
	p = fma p u -0x1.b83792p-5
	p = fma p u 0x1.1106fep-3
	p = fma p u -0x1.555532p-2
	p = mul p u
	small = fma p a a
	t = add a a
	t = clampmin 20 t
	z = nearest t
	p = expr t z
	e = scale p z
	e = add e 1
	e = div 2 e
	big = sub 1 e
	c = lt a 0.625
	y = sel c small big
	s = and x 0x80000000
	y = or y s

erf x
	a = and x 0x7fffffff
	u = mul a a
	p = fma 0x1.4771fcp-14 u -0x1.a3515ep-11
	p = fma p u 0x1.53f224p-8
	p = fma p u -0x1.b7f71ap-6
	p = fma p u 0x1.ce2ce6p-4
	p = fma p u -0x1.81273ep-2
	p = fma p u 0x1.06eba8p-3
	small = fma p a a
	t = clampmin 4 a
	l = fma -0x1.9389eap-13 t 0x1.8a5518p-9
	l = fma l t -0x1.69e21ep-6
	l = fma l t 0x1.a882bep-4
	l = fma l t 0x1.4668a0p-1
	l = fma l t 0x1.20a234p+0
	l = fma l t 0x1.0096c6p-12
	l = sub 0 l
	e = decay l          # erfc
	big = sub 1 e
	c = lt a 1
	y = sel c small big
	s = and x 0x80000000
	y = or y s

# -Phi(-a) near a = 25/64 n is a polynomial of a - 25/64 n, phi0 its constant terms. From n = 15 on it is 0.
phi0 [16]
	-0x1p-1 -0x1.6463dep-2 -0x1.bd1654p-3 -0x1.ee130ap-4
	-0x1.e4067cp-5 -0x1.a0315ap-6 -0x1.38c94ap-7 -0x1.99979cp-9
	-0x1.d21afep-11 -0x1.cc0838p-13 -0x1.892c6ep-15 -0x1.229f3ap-17
	-0x1.7333b2p-20 -0x1.994c46p-23 -0x1.8554dap-26 0

phi1 [16]
	0x1.988452p-2 0x1.7a824p-2 0x1.2d130ep-2 0x1.9b2e7ep-3
	0x1.e21648p-4 0x1.e53b4cp-5 0x1.a347cap-6 0x1.3705dp-7
	0x1.8c2222p-9 0x1.b12274p-11 0x1.96923cp-13 0x1.47a126p-15
	0x1.c54e86p-18 0x1.0d37ecp-20 0x1.12865ap-23 0

phi2 [16]
	0x1.167efp-20 -0x1.27b54ep-4 -0x1.d66aap-4 -0x1.e1d93ap-4
	-0x1.78a1e6p-4 -0x1.d9ddeep-5 -0x1.eb5b1ap-6 -0x1.a93b18p-7
	-0x1.357872p-8 -0x1.7ca57cp-10 -0x1.8cf496p-12 -0x1.5fce78p-14
	-0x1.096ff6p-16 -0x1.557146p-19 -0x1.76c8d2p-22 0

phi3 [16]
	-0x1.106bbcp-4 -0x1.aba502p-5 -0x1.38d854p-6 0x1.993cbep-7
	0x1.cf36fap-6 0x1.c73d5ep-6 0x1.39fbc6p-6 0x1.4fbd2ep-7
	0x1.215e66p-8 0x1.9a0322p-10 0x1.e30d2p-12 0x1.dcac2p-14
	0x1.8bf44cp-16 0x1.15da1cp-18 0x1.4a4b9cp-21 0

phi4 [16]
	0x1.221bbcp-13 0x1.16ce5ep-6 0x1.73b21ap-6 0x1.04243ap-6
	0x1.1b7294p-8 -0x1.f8e166p-9 -0x1.9536ccp-8 -0x1.3cb63p-8
	-0x1.5e3464p-9 -0x1.2b9714p-10 -0x1.9ba018p-12 -0x1.cf22a4p-14
	-0x1.afc51ap-16 -0x1.50191cp-18 -0x1.b73f68p-21 0

phi5 [16]
	0x1.39f53cp-7 0x1.a29b94p-8 -0x1.64820ap-11 -0x1.69e56ep-8
	-0x1.68dbacp-8 -0x1.5604fp-9 0x1.22b822p-15 0x1.214776p-10
	0x1.05a65p-10 0x1.275aep-11 0x1.ed405cp-13 0x1.432c98p-14
	0x1.55be36p-16 0x1.28684ep-18 0x1.aa0c82p-21 0

# x * Phi(x) = max(x, 0) - |x| * Phi(-|x|)
gelu x
	a = and x 0x7fffffff
	b = clampmin 5.859375 a
	z = fma b 0x1.47ae14p+1 0x1.8p+23
	n = sub z 0x1.8p+23
	r = fma! n -0x1.9p-2 b
	p = phi5 z
	c = phi4 z
	p = fma p r c
	c = phi3 z
	p = fma p r c
	c = phi2 z
	p = fma p r c
	c = phi1 z
	p = fma p r c
	c = phi0 z
	p = fma p r c
	h = clampmax 0 x
	y = fma p b h
`
