/*===- talk.c - A conversation, in C ------------------------------*- C -*-===*\
|*
|* marimba-talk PACKAGE TOKENS QUESTION...
|*
|* Asks one question after the other in one conversation and prints the answers,
|* as they come, of at most so many tokens each.
|*
\*===----------------------------------------------------------------------===*/

#include "marimba.h"

#include <stdio.h>
#include <stdlib.h>

static int show(void *user, const char *text) {
  (void)user;
  fputs(text, stdout);
  return fflush(stdout) == 0;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: marimba-talk PACKAGE TOKENS QUESTION...\n");
    return 1;
  }
  char *message = NULL;
  marimba_model *model = NULL;
  marimba_chat *chat = NULL;
  marimba_sampling sampling = {0};
  sampling.size = sizeof(sampling);
  sampling.max_tokens = strtol(argv[2], NULL, 10);
  marimba_chat_options options = {0};
  options.size = sizeof(options);
  options.sampling = &sampling;
  marimba_code code = marimba_model_open(argv[1], NULL, NULL, &model, &message);
  if (code == MARIMBA_SUCCESS)
    code = marimba_chat_create(model, &options, &chat, &message);
  for (int i = 3; i < argc && code == MARIMBA_SUCCESS; ++i) {
    code = marimba_chat_ask(chat, argv[i], show, NULL, NULL, NULL, &message);
    puts("");
  }
  if (code != MARIMBA_SUCCESS)
    fprintf(stderr, "error: %s\n", message ? message : "no memory");
  marimba_free(message);
  marimba_chat_free(chat);
  marimba_model_free(model);
  return code != MARIMBA_SUCCESS;
}
