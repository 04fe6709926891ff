#include "pop3d/texts.h"

static const struct {
	const char *english, *chinese;
} texts[TEXTS] = {
	[TEXT_READY] = {"ready", "就绪"},
	[TEXT_BYE] = {"bye", "再见"},
	[TEXT_CAPABILITIES] = {"what this server can do", "本服务器的功能如下"},
	[TEXT_LANGUAGES] = {"languages", "可选语言如下"},
	[TEXT_LANGUAGE_SET] = {"texts are in English now", "现在使用中文"},
	[TEXT_LANGUAGE_UNKNOWN] = {"this language is not offered", "没有这种语言"},
	[TEXT_UTF8_ON] = {"headers come in UTF-8 now", "现在邮件头使用 UTF-8"},
	[TEXT_UNKNOWN_COMMAND] = {"unknown command", "未知命令"},
	[TEXT_NOT_BEFORE_LOGIN] = {"log in first", "请先登录"},
	[TEXT_NOT_AFTER_LOGIN] = {"you are logged in already", "您已经登录"},
	[TEXT_NO_APOP] = {"APOP is not offered, use AUTH", "不提供 APOP, 请使用 AUTH"},
	[TEXT_NO_ARGUMENT] = {"wrong number of arguments", "参数个数不对"},
	[TEXT_LINE_TOO_LONG] = {"the line is too long", "命令行太长"},
	[TEXT_TOO_SLOW] = {"too slow; come again", "等待超时, 请重新连接"},
	[TEXT_COME_LATER] = {"try again later", "请稍后再试"},
	[TEXT_TOO_MANY_MISTAKES] = {"too many mistakes", "错误太多"},
	[TEXT_BEGIN_TLS] = {"begin TLS", "请开始 TLS"},
	[TEXT_TLS_ALREADY] = {"TLS is there already", "已经是 TLS 连接"},
	[TEXT_TLS_AWAY] = {"TLS is not available", "没有 TLS"},
	[TEXT_TLS_AFTER_UTF8] = {"STLS must come before UTF8", "STLS 必须在 UTF8 之前"},
	[TEXT_TLS_TOO_MANY] = {"too many TLS sessions, try again later", "TLS 连接太多, 请稍后再试"},
	[TEXT_TLS_FIRST] = {"use STLS first: passwords are not taken in the clear", "请先使用 STLS: 不接受明文传送的密码"},
	[TEXT_LOGINS_TOO_MANY] = {"too many logins, try again later", "登录太频繁, 请稍后再试"},
	[TEXT_BAD_USER] = {"not a user name", "不是用户名"},
	[TEXT_NOT_UTF8] = {"not UTF-8", "不是 UTF-8"},
	[TEXT_NOW_PASSWORD] = {"now the password", "请输入密码"},
	[TEXT_USER_FIRST] = {"USER comes first", "请先使用 USER"},
	[TEXT_WRONG_PASSWORD] = {"wrong user or password", "用户名或密码错误"},
	[TEXT_MECHANISMS] = {"mechanisms", "认证方式如下"},
	[TEXT_MECHANISM_UNKNOWN] = {"this mechanism is not offered", "没有这种认证方式"},
	[TEXT_CANCELLED] = {"cancelled", "已取消"},
	[TEXT_MESSAGES] = {"messages", "封邮件"},
	[TEXT_FOLLOWS] = {"the message follows", "邮件内容如下"},
	[TEXT_LIST] = {"the list follows", "列表如下"},
	[TEXT_NO_MESSAGE] = {"no such message", "没有这封邮件"},
	[TEXT_DELETED] = {"the message is deleted", "这封邮件已标记删除"},
	[TEXT_VANISHED] = {"the message was removed by another session", "这封邮件已被另一个会话删除"},
	[TEXT_UNREADABLE] = {"the message cannot be read", "邮件无法读取"},
	[TEXT_TOP_FORM] = {"TOP takes a message and a number of lines", "TOP 需要邮件编号和行数"},
	[TEXT_WILL_REMOVE] = {"will be removed at QUIT", "将在 QUIT 时删除"},
	[TEXT_NOTHING_REMOVED] = {"nothing will be removed", "不会删除任何邮件"},
	[TEXT_DONE] = {"done", "完成"},
	[TEXT_NOT_ALL_REMOVED] = {"some deleted messages were not removed", "部分邮件未能删除"},
	[TEXT_IN_USE] = {"another session has this mailbox", "邮箱正被另一个会话使用"},
	[TEXT_CANNOT_LOCK] = {"the mailbox cannot be locked", "邮箱无法加锁"},
	[TEXT_CANNOT_READ] = {"the mailbox cannot be read", "邮箱无法读取"},
	[TEXT_LOGIN_DELAY] = {"too soon after the last login", "距上次登录时间太短"},
};

static const struct {
	const char *tag, *name;
} languages[LANGUAGES] = {
	[LANGUAGE_DEFAULT] = {"i-default", "English"},
	[LANGUAGE_ENGLISH] = {"en", "English"},
	[LANGUAGE_CHINESE] = {"zh", "中文"},
};

const char *
text_in(enum language language, enum text text)
{
	return language == LANGUAGE_CHINESE ? texts[text].chinese : texts[text].english;
}

void
reply_ok(struct output *out, enum language language, enum text text)
{
	output_text(out, "+OK ");
	output_text(out, text_in(language, text));
	output_text(out, "\r\n");
}

void
reply_number(struct output *out, enum language language, uint64_t number, enum text text)
{
	output_format(out, "+OK %llu %s\r\n", (unsigned long long)number, text_in(language, text));
}

void
reply_error(struct output *out, enum language language, const char *code, enum text text)
{
	if (code != NULL)
		output_format(out, "-ERR [%s] %s\r\n", code, text_in(language, text));
	else
		output_format(out, "-ERR %s\r\n", text_in(language, text));
}

const char *
language_tag(enum language language)
{
	return languages[language].tag;
}

bool
language_find(struct slice range, enum language *language)
{
	if (slice_is(range, "*") || slice_is_nocase(range, languages[LANGUAGE_DEFAULT].tag)) {
		*language = LANGUAGE_DEFAULT;
		return true;
	}
	struct slice first = slice_first(range, slice_find(range, '-'));
	for (int i = LANGUAGE_ENGLISH; i < LANGUAGES; i++) {
		if (!slice_is_nocase(first, languages[i].tag))
			continue;
		*language = (enum language)i;
		return true;
	}
	return false;
}

bool
language_command(struct output *out, enum language *language, struct slice argument)
{
	if (argument.len == 0) {
		reply_ok(out, *language, TEXT_LANGUAGES);
		for (int i = 0; i < LANGUAGES; i++)
			output_format(out, "%s %s\r\n", languages[i].tag, languages[i].name);
		output_text(out, ".\r\n");
		return true;
	}
	if (!language_find(argument, language)) {
		reply_error(out, *language, NULL, TEXT_LANGUAGE_UNKNOWN);
		return false;
	}
	output_format(out, "+OK %s %s\r\n", language_tag(*language), text_in(*language, TEXT_LANGUAGE_SET));
	return true;
}
