#include "boot/cli.h"

#include <string.h>

#include "boot/check.h"
#include "boot/settings/settings.h"
#include "config.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define DESCRIPTION_MAX (256u * 1024)

static const struct {
	const char *words[2];
	enum cli_command command;
} commands[] = {
	{{"check", NULL}, CLI_CHECK},
	{{"--help", NULL}, CLI_HELP},
	{{"-h", NULL}, CLI_HELP},
	{{"help", NULL}, CLI_HELP},
	{{"--version", NULL}, CLI_VERSION},
	{{"version", NULL}, CLI_VERSION},
	{{"docs", "settings"}, CLI_DOCS_SETTINGS},
};

enum cli_command cli_parse(int argc, char *const argv[])
{
	if (argc <= 1)
		return CLI_RUN;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const char *const *words = commands[i].words;
		int count = words[1] != NULL ? 2 : 1;
		if (argc == count + 1 && strcmp(argv[1], words[0]) == 0 &&
			(count == 1 || strcmp(argv[2], words[1]) == 0))
			return commands[i].command;
	}
	return CLI_UNKNOWN;
}

static const char usage[] =
	"usage: tailboot             run as the supervisor of tailscaled\n"
	"       tailboot check       check the settings and the files they name, start nothing\n"
	"       tailboot --help      show all settings\n"
	"       tailboot --version   show versions\n";

static const char purpose[] =
	"\n"
	"Starts tailscaled, logs the node in, publishes its identity, serves health and metrics,\n"
	"brings the daemon back when it fails and ends it cleanly. A replacement of "
	"containerboot.\n"
	"All settings are environment variables.\n";

static int describe(FILE *out, FILE *err_out, bool markdown)
{
	struct err e;
	AUTO(buf_fini) struct buf text = BUF_INIT(DESCRIPTION_MAX);
	if (settings_describe(&text, markdown, &e) < 0) {
		fprintf(err_out, "error: %s\n", e.msg);
		return CLI_EXIT_FAILED;
	}
	fputs(buf_cstr(&text), out);
	return CLI_EXIT_OK;
}

static int run(enum cli_command command, char *const *env_ref, FILE *out, FILE *err_out)
{
	switch (command) {
	case CLI_CHECK:
		return check_run(env_ref, out, err_out) ? CLI_EXIT_OK : CLI_EXIT_FAILED;
	case CLI_HELP:
		fprintf(out, "%s%s", usage, purpose);
		return describe(out, err_out, false);
	case CLI_VERSION:
		fprintf(out, "tailboot %s\ncapability version %d\nbuilt with %s\n",
			TAILBOOT_VERSION, TAILBOOT_CAPVER, TAILBOOT_LIBRARIES);
		return CLI_EXIT_OK;
	case CLI_DOCS_SETTINGS:
		return describe(out, err_out, true);
	case CLI_RUN:
	case CLI_UNKNOWN:
		break;
	}
	fputs(usage, err_out);
	return CLI_EXIT_USAGE;
}

int cli_execute(enum cli_command command, char *const *env_ref, FILE *out, FILE *err_out)
{
	int code = run(command, env_ref, out, err_out);
	if (fflush(out) != 0 || ferror(out)) {
		fputs("error: standard output cannot be written\n", err_out);
		return CLI_EXIT_FAILED;
	}
	return code;
}
