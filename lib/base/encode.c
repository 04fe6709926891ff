#include "lib/base/encode.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const signed char base64_digits[BASE64_LAST - BASE64_FIRST + 1] = {
    62, -1, -1, -1, 63,                                                                                       /* + to / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61,                                                                   /* digits */
    -1, -1, -1, -1, -1, -1, -1,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,             /* A to Z */
    -1, -1, -1, -1, -1, -1,
    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, /* a to z */
};

bool
base64_encode(struct str *into, struct slice bytes)
{
	size_t before = into->len;
	bool ok = true;
	for (size_t i = 0; i < bytes.len && ok; i += 3) {
		size_t left = bytes.len - i;
		unsigned group = (unsigned)(unsigned char)bytes.data[i] << 16;
		if (left > 1)
			group |= (unsigned)(unsigned char)bytes.data[i + 1] << 8;
		if (left > 2)
			group |= (unsigned char)bytes.data[i + 2];
		char four[4] = {alphabet[group >> 18 & 63], alphabet[group >> 12 & 63],
		    left > 1 ? alphabet[group >> 6 & 63] : '=', left > 2 ? alphabet[group & 63] : '='};
		ok = str_append(into, four, sizeof four);
	}
	if (!ok)
		str_truncate(into, before);
	return ok;
}

/* Decodes four characters; returns how many bytes they are, or -1. */
static int
decode_four(const char *four, bool last, char out[3])
{
	int padding = 0;
	if (last && four[3] == '=')
		padding = four[2] == '=' ? 2 : 1;
	unsigned group = 0;
	for (int i = 0; i < 4; i++) {
		int digit = i >= 4 - padding ? 0 : base64_digit((unsigned char)four[i]);
		if (digit < 0)
			return -1;
		group = group << 6 | (unsigned)digit;
	}
	out[0] = (char)(group >> 16 & 255);
	out[1] = (char)(group >> 8 & 255);
	out[2] = (char)(group & 255);
	/* Bits behind the end must be zero, so that one text has one decoding. */
	if ((padding >= 1 && out[2] != 0) || (padding == 2 && out[1] != 0))
		return -1;
	return 3 - padding;
}

bool
base64_decode(struct str *into, struct slice text)
{
	size_t before = into->len;
	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		char three[3];
		int len = decode_four(text.data + i, i + 4 == text.len, three);
		if (len < 0 || !str_append(into, three, (size_t)len)) {
			str_truncate(into, before);
			return false;
		}
	}
	return true;
}

bool
hex_encode(struct str *into, struct slice bytes)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.data[i];
		char two[2] = {digits[c >> 4], digits[c & 15]};
		if (!str_append(into, two, 2))
			return false;
	}
	return true;
}
