/* BODY and BODYSTRUCTURE: RFC 3501 section 7.4.2. Depth is bounded by budget.h's MIME_NESTING. */
#include "lib/mail/imap_reply.h"

static void
write_parameters(struct output *out, struct slice parameters)
{
	struct mime_parameters reader;
	struct slice name, value;
	bool any = false;
	mime_parameters_begin(&reader, parameters);
	while (mime_parameters_next(&reader, &name, &value)) {
		output_text(out, any ? " " : "(");
		any = true;
		reply_string(out, name);
		output_text(out, " ");
		reply_string(out, value);
	}
	reply_incomplete(out, reader.value.failed);
	mime_parameters_end(&reader);
	output_text(out, any ? ")" : "NIL");
}

static void
write_disposition(struct output *out, const struct mime_part *part)
{
	if (part->disposition.data == NULL) {
		output_text(out, "NIL");
		return;
	}
	output_text(out, "(");
	reply_string(out, part->disposition);
	output_text(out, " ");
	write_parameters(out, part->disposition_parameters);
	output_text(out, ")");
}

static void
write_languages(struct output *out, struct slice languages)
{
	struct cursor list = cursor_over(languages);
	struct slice word;
	bool any = false;
	while (languages.data != NULL && mime_word_next(&list, &word)) {
		output_text(out, any ? " " : "(");
		any = true;
		reply_string(out, word);
	}
	output_text(out, any ? ")" : "NIL");
}

/* " disposition language location" */
static void
write_extension(struct output *out, const struct mime_part *part)
{
	output_text(out, " ");
	write_disposition(out, part);
	output_text(out, " ");
	write_languages(out, part->language);
	output_text(out, " ");
	reply_header_value(out, part->location);
}

static void
write_multipart(struct output *out, const struct mime_tree *tree, const struct mime_part *part, struct slice message,
    bool extended)
{
	for (uint32_t i = part->first_child; i != MIME_NONE; i = tree->parts[i].next)
		reply_structure(out, tree, i, message, extended);
	/* The grammar knows no multipart without parts. */
	if (part->first_child == MIME_NONE)
		output_text(out, "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)");
	output_text(out, " ");
	reply_string(out, part->subtype);
	if (!extended)
		return;
	output_text(out, " ");
	write_parameters(out, part->parameters);
	write_extension(out, part);
}

static void
write_single(struct output *out, const struct mime_part *part)
{
	reply_string(out, part->type);
	output_text(out, " ");
	reply_string(out, part->subtype);
	output_text(out, " ");
	write_parameters(out, part->parameters);
	output_text(out, " ");
	reply_header_value(out, part->id);
	output_text(out, " ");
	reply_header_value(out, part->description);
	output_text(out, " ");
	reply_string(out, part->encoding.len > 0 ? part->encoding : slice_of("7bit"));
	output_text(out, " ");
	output_number(out, part->body.end - part->body.start + part->body.bare);
}

static void
write_lines(struct output *out, const struct mime_part *part)
{
	output_text(out, " ");
	output_number(out, part->body.lines);
}

static void
write_embedded(struct output *out, const struct mime_tree *tree, const struct mime_part *part, struct slice message,
    bool extended)
{
	const struct mime_part *child = mime_child(tree, part);
	struct slice header = slice_make(message.data + child->header.start, child->header.end - child->header.start);
	output_text(out, " ");
	reply_envelope(out, header);
	output_text(out, " ");
	reply_structure(out, tree, (uint32_t)(child - tree->parts), message, extended);
	write_lines(out, part);
}

void
reply_structure(struct output *out, const struct mime_tree *tree, uint32_t index, struct slice message, bool extended)
{
	const struct mime_part *part = &tree->parts[index];
	output_text(out, "(");
	if (part->kind == MIME_MULTIPART) {
		write_multipart(out, tree, part, message, extended);
		output_text(out, ")");
		return;
	}
	write_single(out, part);
	if (part->kind == MIME_MESSAGE && mime_child(tree, part) != NULL)
		write_embedded(out, tree, part, message, extended);
	else if (slice_is_nocase(part->type, "text"))
		write_lines(out, part);
	if (extended) {
		output_text(out, " ");
		reply_header_value(out, part->md5);
		write_extension(out, part);
	}
	output_text(out, ")");
}
