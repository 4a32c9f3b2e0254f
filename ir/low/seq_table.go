package low

// sequenceText is the arithmetic of the functions on float32, the same on every port. A block begins with the name and
// the parameters; each line after it names the result of one operation on 32-bit values, the last line's is the
// block's. An operation is the name of an earlier block, which is then inlined, or
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

expr x z             # exp(x)/2^n
	r = remainder x z
	q = fma 0x1.6a4f88p-10 r 0x1.123988p-7
	q = fma q r 0x1.5558aep-5
	q = fma q r 0x1.555492p-3
	q = fma q r 0x1.fffffcp-2
	s = mul r r
	q = fma q s r
	p = add q 1

scale p m            # p * 2^m, for m in -127..127, 2^-127 counting as 0
	e = shl m 23
	f = iadd e 0x3f800000
	y = mul p f

# exp(x) for x <= 0; below -87.68 it is 0.
expneg x
	x = clampmax -88 x
	z = nearest x
	p = expr x z
	y = scale p z

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

sigmoid x
	n = or x 0x80000000
	e = expneg n
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
	e = expneg l         # erfc
	big = sub 1 e
	c = lt a 1
	y = sel c small big
	s = and x 0x80000000
	y = or y s

# x * Phi(x) by Phi(-a) = exp(-a M(a))/2
gelu x
	a = and x 0x7fffffff
	b = clampmin 13.25 a
	p = fma 0x1.d1861ap-28 b -0x1.2a49dep-22
	p = fma p b 0x1.2df972p-18
	p = fma p b -0x1.3373c4p-15
	p = fma p b 0x1.2b4044p-13
	p = fma p b 0x1.99873ep-14
	p = fma p b -0x1.42df02p-8
	p = fma p b 0x1.2a5b5cp-5
	p = fma p b 0x1.45ecb4p-2
	p = fma p b 0x1.9884a2p-1
	t = mul p b
	t = sub 0 t
	t = expneg t
	h = clampmin 16 a
	h = mul h 0.5
	g = mul h t
	c = lt x 0
	r = sel c 0 x
	y = sub r g
`
