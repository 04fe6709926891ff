/* COMPRESS: RFC 4978. */
#include "imapd/session.h"

#include "imapd/compress.h"

/* What follows the tagged OK is compressed, and what the client sends behind this command. */
struct answer
cmd_compress(struct session *s, struct parser *p)
{
	if (!parse_space(p) || !(parse_word(p, "DEFLATE") || parse_fail(p, "the only way to compress is DEFLATE")) || !parse_end(p))
		return answer_bad(p->error);
	if (compress_on(&s->out))
		return answer_no("COMPRESSIONACTIVE", "it is compressed already");
	s->compresses = true;
	return answer_ok("compressed from here on");
}
