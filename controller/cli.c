#include "controller/cli.h"

#include <string.h>

#include "config.h"
#include "controller/permissions.h"
#include "controller/settings/settings.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define DESCRIPTION_MAX (256u * 1024)

static const struct {
	const char *words[2];
	enum cli_command command;
} commands[] = {
	{{"cleanup", NULL}, CLI_CLEANUP},
	{{"check", NULL}, CLI_CHECK},
	{{"--help", NULL}, CLI_HELP},
	{{"-h", NULL}, CLI_HELP},
	{{"help", NULL}, CLI_HELP},
	{{"--version", NULL}, CLI_VERSION},
	{{"version", NULL}, CLI_VERSION},
	{{"docs", "settings"}, CLI_DOCS_SETTINGS},
	{{"docs", "permissions"}, CLI_DOCS_PERMISSIONS},
};

enum cli_command cli_parse(char *const argv[], char *const **flags)
{
	*flags = argv;
	if (argv[0] == NULL)
		return CLI_RUN;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const char *const *words = commands[i].words;
		bool has_two = words[1] != NULL;
		if (strcmp(argv[0], words[0]) != 0 ||
			(has_two && (argv[1] == NULL || strcmp(argv[1], words[1]) != 0)))
			continue;
		*flags = argv + (has_two ? 2 : 1);
		return commands[i].command;
	}
	return argv[0][0] == '-' ? CLI_RUN : CLI_UNKNOWN;
}

static const char usage[] =
	"usage: tailboot-controller [FLAG...]           run\n"
	"       tailboot-controller check [FLAG...]     check settings, access and permissions\n"
	"       tailboot-controller cleanup [FLAG...]   remove all that the controller has made\n"
	"       tailboot-controller --help              show all settings\n"
	"       tailboot-controller --version           show versions\n";

static const char purpose[] =
	"\n"
	"Schedules the proxies of tailnets in a cluster: groups of proxies, and Services of the\n"
	"cluster that lead to targets in a tailnet. Tailscale and Headscale.\n";

static int print(int code, const struct buf *text, const struct err *e, FILE *out, FILE *err_out)
{
	if (code < 0) {
		fprintf(err_out, "error: %s\n", e->msg);
		return CLI_EXIT_FAILED;
	}
	fputs(buf_cstr(text), out);
	return CLI_EXIT_OK;
}

static int run(enum cli_command command, FILE *out, FILE *err_out)
{
	struct err e;
	AUTO(buf_fini) struct buf text = BUF_INIT(DESCRIPTION_MAX);
	switch (command) {
	case CLI_HELP:
		fprintf(out, "%s%s", usage, purpose);
		return print(settings_describe(&text, false, &e), &text, &e, out, err_out);
	case CLI_VERSION:
		fprintf(out, "tailboot-controller %s\nbuilt with %s\n", TAILBOOT_VERSION,
			TAILBOOT_LIBRARIES);
		return CLI_EXIT_OK;
	case CLI_DOCS_SETTINGS:
		return print(settings_describe(&text, true, &e), &text, &e, out, err_out);
	case CLI_DOCS_PERMISSIONS:
		return print(permissions_describe(&text, &e), &text, &e, out, err_out);
	case CLI_RUN:
	case CLI_CLEANUP:
	case CLI_CHECK:
	case CLI_UNKNOWN:
		break;
	}
	fputs(usage, err_out);
	return CLI_EXIT_USAGE;
}

int cli_execute(enum cli_command command, FILE *out, FILE *err_out)
{
	int code = run(command, out, err_out);
	if (fflush(out) != 0 || ferror(out)) {
		fputs("error: standard output cannot be written\n", err_out);
		return CLI_EXIT_FAILED;
	}
	return code;
}
