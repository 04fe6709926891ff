#include "pop3d/capabilities.h"

#include "lib/base/log.h"
#include "lib/base/number.h"

#define DAYS_MOST 100000

bool
expire_is_valid(const char *expire)
{
	uint64_t days;
	if (slice_is(slice_of(expire), "NEVER") || (number_parse(slice_of(expire), DAYS_MOST, &days) && days > 0))
		return true;
	log_error("setting-wrong", log_text("setting", "pop3_expire"), log_text("value", expire),
	    log_text("hint", "write NEVER, or the days after which a job of yours removes mail"));
	return false;
}

void
capabilities_write(struct output *out, const struct capabilities *c)
{
	output_text(out, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUTF8 USER\r\nLANG\r\n");
	output_format(out, "EXPIRE %s\r\n", c->expire);
	if (c->login_delay > 0)
		output_format(out, "LOGIN-DELAY %llu\r\n", (unsigned long long)c->login_delay);
	if (c->stls)
		output_text(out, "STLS\r\n");
	if (c->passwords) {
		output_text(out, "USER\r\n");
		if (c->mechanisms[0] != '\0')
			output_format(out, "SASL %s\r\n", c->mechanisms);
	}
	output_text(out, "IMPLEMENTATION Postern\r\n.\r\n");
}
