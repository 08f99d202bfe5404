/* ask PACKAGE QUESTION */
#include <marimba.h>
#include <stdio.h>

int main(int argc, char **argv) {
  marimba_model *model = NULL;
  marimba_chat *chat = NULL;
  char *answer = NULL, *message = NULL;
  if (argc != 3 || marimba_model_open(argv[1], NULL, NULL, &model, &message) ||
      marimba_chat_create(model, NULL, &chat, &message) ||
      marimba_chat_ask(chat, argv[2], NULL, NULL, &answer, NULL, &message))
    return fprintf(stderr, "error: %s\n", message ? message : argv[0]), 1;
  return puts(answer) < 0;
}
