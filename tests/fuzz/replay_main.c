/*
 * Runs a fuzz target once over every file of the folders given: the stored corpus becomes an
 * ordinary test that needs neither clang nor libFuzzer. Fails when a folder is absent or empty, so
 * that a lost corpus cannot look like a passed one.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		perror(path);
		return -1;
	}
	char *data = NULL;
	size_t size = 0;
	FILE *mem = open_memstream(&data, &size);
	char chunk[4096];
	size_t n;
	while (mem != NULL && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		fwrite(chunk, 1, n, mem);
	fclose(f);
	if (mem == NULL || fclose(mem) != 0) {
		perror(path);
		return -1;
	}
	/* A copy of the exact size lets the sanitizer see a read past the end. */
	uint8_t *exact = malloc(size > 0 ? size : 1);
	if (exact == NULL) {
		perror(path);
		return -1;
	}
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	free(data);
	return 0;
}

static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	if (dir == NULL) {
		perror(folder);
		return -1;
	}
	int count = 0;
	struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		char path[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (replay_file(path) < 0)
			break;
		count++;
	}
	closedir(dir);
	printf("%s: %d inputs\n", folder, count);
	return count > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s CORPUS...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		if (replay_folder(argv[i]) < 0)
			return 1;
	}
	return 0;
}
