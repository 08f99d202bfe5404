/*===- generate.c - Texts from a model, in C ----------------------*- C -*-===*\
|*
|* marimba-generate [-t THREADS] MODEL TOKENS PROMPT...
|*
|* MODEL is a model directory, or a package that was compiled from one and is
|* called NAME.marimba: that needs libmarimba-runtime.so only.
|*
|* Continues each prompt by so many tokens, each on a thread of its own, over
|* one model that computes on a team of THREADS (1); prints a line for each, in
|* order. In the middle each thread saves its session and goes on in a new one,
|* as another process could.
|*
\*===----------------------------------------------------------------------===*/

#include "marimba.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct job {
  const marimba_model *model;
  const char *prompt;
  size_t tokens, number;
  char *text;    /* what came of it, or null */
  char *message; /* why not */
} job;

/* The index of the highest. */
static int32_t likeliest(const float *logits, int32_t count) {
  int32_t best = 0;
  for (int32_t i = 1; i < count; ++i)
    if (logits[i] > logits[best])
      best = i;
  return best;
}

static int ends(const marimba_model *model, int32_t id) {
  size_t count = 0;
  const int32_t *ids = marimba_model_end_ids(model, &count);
  for (size_t i = 0; i < count; ++i)
    if (ids[i] == id)
      return 1;
  return 0;
}

/* Saves the session to a file and makes a new one of it. */
static marimba_code move(const job *job, marimba_session **session,
                         char **message) {
  char path[64];
  snprintf(path, sizeof(path), "/tmp/marimba-generate.%ld.%zu", (long)getpid(),
           job->number);
  marimba_code code = marimba_session_save(*session, path, message);
  if (code == MARIMBA_SUCCESS) {
    marimba_session_free(*session);
    code = marimba_session_create(job->model, session, message);
  }
  if (code == MARIMBA_SUCCESS)
    code = marimba_session_restore(*session, path, message);
  unlink(path);
  return code;
}

static void *run(void *data) {
  job *job = data;
  int32_t vocabulary = marimba_model_vocabulary(job->model);
  float *logits = malloc((size_t)vocabulary * sizeof(float));
  int32_t *made = malloc((job->tokens + 1) * sizeof(int32_t));
  int32_t *ids = NULL;
  size_t count = 0, length = 0;
  marimba_session *session = NULL;
  marimba_code code = logits && made ? MARIMBA_SUCCESS : MARIMBA_FAILED;

  if (code == MARIMBA_SUCCESS)
    code = marimba_encode(job->model, job->prompt, /*begin=*/1, &ids, &count,
                          &job->message);
  if (code == MARIMBA_SUCCESS)
    code = marimba_session_create(job->model, &session, &job->message);
  if (code == MARIMBA_SUCCESS)
    code = marimba_session_append(session, ids, count, logits, &job->message);
  while (code == MARIMBA_SUCCESS && length < job->tokens) {
    made[length] = likeliest(logits, vocabulary);
    if (ends(job->model, made[length++]))
      break;
    if (length == job->tokens / 2)
      code = move(job, &session, &job->message);
    if (code == MARIMBA_SUCCESS)
      code = marimba_session_append(session, &made[length - 1], 1, logits,
                                    &job->message);
  }
  if (code == MARIMBA_SUCCESS)
    code = marimba_decode(job->model, made, length, &job->text, &job->message);

  marimba_session_free(session);
  marimba_free(ids);
  free(made);
  free(logits);
  return NULL;
}

static int isPackage(const char *path) {
  static const char suffix[] = ".marimba";
  size_t length = strlen(path), end = sizeof(suffix) - 1;
  return length > end && !strcmp(path + length - end, suffix);
}

/* In f32 and on a team; a package has decided both. */
static marimba_code load(const char *path, int32_t team, marimba_model **model,
                         char **message) {
  if (isPackage(path))
    return marimba_model_open(path, NULL, NULL, model, message);
  marimba_options options = {0};
  options.size = sizeof(options);
  options.dtype = "f32";
  options.threads = team;
  return marimba_model_load(path, &options, model, message);
}

int main(int argc, char **argv) {
  long team = 1;
  int option;
  while ((option = getopt(argc, argv, "+t:")) == 't')
    team = strtol(optarg, NULL, 10);
  if (option != -1 || argc - optind < 3 || team < 1 || team > INT32_MAX) {
    fprintf(stderr, "usage: marimba-generate [-t THREADS] MODEL TOKENS "
                    "PROMPT...\n");
    return 1;
  }
  argv += optind;
  size_t count = (size_t)(argc - optind) - 2;
  marimba_model *model = NULL;
  char *message = NULL;
  if (load(argv[0], (int32_t)team, &model, &message)) {
    fprintf(stderr, "error: %s\n", message);
    marimba_free(message);
    return 1;
  }

  job *jobs = calloc(count, sizeof(job));
  pthread_t *threads = calloc(count, sizeof(pthread_t));
  for (size_t i = 0; i < count; ++i) {
    jobs[i] =
        (job){model, argv[i + 2], strtoul(argv[1], NULL, 10), i, NULL, NULL};
    if (pthread_create(&threads[i], NULL, run, &jobs[i])) {
      fprintf(stderr, "error: no thread\n");
      return 1;
    }
  }
  int failed = 0;
  for (size_t i = 0; i < count; ++i) {
    pthread_join(threads[i], NULL);
    if (jobs[i].text)
      printf("%s\n", jobs[i].text);
    else
      fprintf(stderr, "error: %s\n",
              jobs[i].message ? jobs[i].message : "no memory");
    failed |= !jobs[i].text;
    marimba_free(jobs[i].text);
    marimba_free(jobs[i].message);
  }
  free(threads);
  free(jobs);
  marimba_model_free(model);
  return failed;
}
