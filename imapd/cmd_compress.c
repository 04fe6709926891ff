/* COMPRESS: RFC 4978. */
#include "imapd/session.h"

#include "imapd/compress.h"

/*
 * What follows the tagged OK is compressed, and what the client sends behind
 * this command. Section 3: NO is for what another layer has compressed already,
 * which ours does not (postern-tlsd); a second COMPRESS is BAD.
 */
struct answer
cmd_compress(struct session *s, struct parser *p)
{
	if (!parse_space(p) || !(parse_word(p, "DEFLATE") || parse_fail(p, "the only way to compress is DEFLATE")) || !parse_end(p))
		return answer_bad(p->error);
	if (compress_on(&s->out))
		return (struct answer){ANSWER_BAD, "COMPRESSIONACTIVE", "it is compressed already"};
	s->compresses = true;
	return answer_ok("compressed from here on");
}
