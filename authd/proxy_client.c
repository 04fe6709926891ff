#include "authd/proxy_client.h"

#include <arpa/inet.h>
#include <string.h>

bool
proxy_client_service(struct proxy_client *who, struct slice name)
{
	if (name.len == 0)
		name = slice_of("smtp");
	if (name.len > LOGIN_SERVICE_MOST)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum((unsigned char)name.data[i]) && name.data[i] != '-')
			return false;
	memcpy(who->service, name.data, name.len);
	who->service[name.len] = '\0';
	return true;
}

bool
proxy_client_address(struct proxy_client *who, struct slice address)
{
	unsigned char bytes[16];
	char text[LOGIN_ADDRESS_MOST + 1];
	if (address.len == 0)
		address = slice_of("127.0.0.1");
	if (address.len > LOGIN_ADDRESS_MOST || slice_has(address, '\0'))
		return false;
	memcpy(text, address.data, address.len);
	text[address.len] = '\0';
	const char *plain = slice_starts_nocase(address, "::ffff:") ? text + strlen("::ffff:") : text;
	if (inet_pton(AF_INET, plain, bytes) != 1)
		plain = text;
	memcpy(who->address, plain, strlen(plain) + 1);
	return inet_pton(strchr(plain, ':') != NULL ? AF_INET6 : AF_INET, plain, bytes) == 1;
}
