/*===- batch.c - Many prompts together, in C ----------------------*- C -*-===*\
|*
|* marimba-batch PACKAGE TOKENS PROMPT...
|*
|* Continues the prompts by so many tokens, two at once, and prints a line for
|* each, in order. A prompt is submitted when an earlier one is finished, as the
|* requests of a server come. One that begins with "!" is cancelled after three
|* tokens.
|*
\*===----------------------------------------------------------------------===*/

#include "marimba.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
  char *bytes;
  size_t size;
  int tokens;
} text;

static int append(text *to, const char *piece) {
  size_t more = strlen(piece);
  char *grown = realloc(to->bytes, to->size + more + 1);
  if (!grown)
    return 0;
  memcpy(grown + to->size, piece, more + 1);
  to->bytes = grown;
  to->size += more;
  return 1;
}

static marimba_code submit(const marimba_model *model, marimba_batch *batch,
                           const char *prompt, long tokens, char **message) {
  marimba_sampling sampling = {0};
  sampling.size = sizeof(sampling);
  sampling.max_tokens = tokens;
  int32_t *ids = NULL;
  size_t count = 0;
  uint64_t request = 0;
  marimba_code code = marimba_encode(model, prompt + (*prompt == '!'),
                                     /*begin=*/1, &ids, &count, message);
  if (code == MARIMBA_SUCCESS)
    code =
        marimba_batch_submit(batch, ids, count, &sampling, &request, message);
  marimba_free(ids);
  return code;
}

/* Answers all of them into `texts`. */
static marimba_code run(const marimba_model *model, marimba_batch *batch,
                        char **prompts, size_t count, long tokens, text *texts,
                        char **message) {
  const size_t at_once = 2;
  size_t sent = 0;
  marimba_code code = MARIMBA_SUCCESS;
  for (; sent < count && sent < at_once && code == MARIMBA_SUCCESS; ++sent)
    code = submit(model, batch, prompts[sent], tokens, message);
  marimba_event event = {0};
  event.size = sizeof(event);
  int some = 1, left = 0;
  while (code == MARIMBA_SUCCESS) {
    code = marimba_batch_next(batch, &event, &some, message);
    if (code != MARIMBA_SUCCESS || !some)
      break;
    text *to = &texts[event.request];
    if (!append(to, event.text))
      return MARIMBA_FAILED;
    left =
        prompts[event.request][0] == '!' && event.id >= 0 && ++to->tokens == 3;
    if (left)
      marimba_batch_cancel(batch, event.request);
    if ((left || event.end != MARIMBA_GOES_ON) && sent < count)
      code = submit(model, batch, prompts[sent++], tokens, message);
  }
  return code;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: marimba-batch PACKAGE TOKENS PROMPT...\n");
    return 1;
  }
  size_t count = (size_t)argc - 3;
  char *message = NULL;
  marimba_model *model = NULL;
  marimba_batch *batch = NULL;
  text *texts = calloc(count, sizeof(text));
  marimba_code code =
      texts ? marimba_model_open(argv[1], NULL, NULL, &model, &message)
            : MARIMBA_FAILED;
  if (code == MARIMBA_SUCCESS)
    code = marimba_batch_create(model, /*slots=*/2, &batch, &message);
  if (code == MARIMBA_SUCCESS)
    code = run(model, batch, argv + 3, count, strtol(argv[2], NULL, 10), texts,
               &message);
  for (size_t i = 0; i < count && code == MARIMBA_SUCCESS; ++i)
    printf("%s\n", texts[i].bytes ? texts[i].bytes : "");
  if (code != MARIMBA_SUCCESS)
    fprintf(stderr, "error: %s\n", message ? message : "no memory");
  for (size_t i = 0; texts && i < count; ++i)
    free(texts[i].bytes);
  free(texts);
  marimba_free(message);
  marimba_batch_free(batch);
  marimba_model_free(model);
  return code != MARIMBA_SUCCESS;
}
