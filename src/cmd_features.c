#include "src/cmd.h"
static int f(int c, char **v)
{
	return 1;
}
const struct cmd cmd_features = {.name = "features",
				 .summary = "what this host allows, and which engine will be used",
				 .run = f};
