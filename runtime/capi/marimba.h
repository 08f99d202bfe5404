/*===- marimba.h - Marimba for programs in C ----------------------*- C -*-===*\
|*
|* Compiles and loads a model directory, or loads what was compiled before,
|* feeds tokens, gives logits.
|*
|* Two libraries have these functions: libmarimba.so, and libmarimba-runtime.so,
|* which is without the compiler, and without LLVM. A program links one of them.
|*
|* Every function that can fail returns a code. Where `message` is not null it
|* then points to one line of UTF-8 that says what is wrong, to be given back to
|* marimba_free(); after success it is null, and where there is no memory for
it. Pointers that a function fills in
|* are null after a failure. No function writes to stdout or stderr, none ends
|* the process where memory ends, and none looks at the locale.
|*
|* Threads: a model may be used by any number of threads at once. A session may
|* be used by one thread at a time; sessions of one model are independent. Those
|* that compute at the same time take turns, by pieces of options.chunk tokens,
|* on one team of threads, which is bound to cpus; where options.threads is 1,
|* each computes on the thread that calls it, all at once.
|*
\*===----------------------------------------------------------------------===*/

#ifndef MARIMBA_H
#define MARIMBA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MARIMBA_EXPORT __attribute__((visibility("default")))

/* The values of these and the fields of the struct below do not change; new
   ones come behind them. */
typedef enum marimba_code {
  MARIMBA_SUCCESS = 0,
  MARIMBA_BAD_ARGUMENT = 1, /* an id, an option, a null pointer */
  MARIMBA_BAD_MODEL = 2,    /* the directory or the package cannot be read,
                               compiled or used here */
  MARIMBA_BAD_STATE = 3,    /* a saved session: read, written or of another
                               model */
  MARIMBA_FAILED = 4,       /* memory, threads, or compiled code; logits that
                               are not finite */
  MARIMBA_NO_COMPILER = 5   /* libmarimba-runtime.so was to compile */
} marimba_code;

typedef struct marimba_model marimba_model;
typedef struct marimba_session marimba_session;
typedef struct marimba_answer marimba_answer;

/* How a model is loaded. Zeros, beside `size`, are the defaults. */
typedef struct marimba_options {
  size_t size;              /* sizeof(marimba_options) */
  int32_t threads;          /* of the team; 0: as many as there are cores, and
                               as the process may use */
  int64_t chunk;            /* tokens that are computed at once; 0: 512 */
  const char *dtype;        /* what projections multiply: "auto", "f32", "bf16";
                               null: "auto" */
  const char *cache_folder; /* for compiled code and packed weights; null: the
                               user's (docs/cache.md), "": none */
} marimba_options;

/* "0.1.0" */
MARIMBA_EXPORT const char *marimba_version(void);

/* Gives back what a function of this library allocated; null is allowed. */
MARIMBA_EXPORT void marimba_free(void *pointer);

/* `options` may be null. Takes seconds, less where it was done before.
   libmarimba-runtime.so answers MARIMBA_NO_COMPILER. */
MARIMBA_EXPORT marimba_code marimba_model_load(const char *directory,
                                               const marimba_options *options,
                                               marimba_model **model,
                                               char **message);
/* Loads what `marimba compile MODEL --emit=package -o PACKAGE` wrote, for this
   kind of processor (docs/packages.md). It runs code of the package: open those
   that you trust. The weights and the tokenizer are read from `directory`, or,
   where that is null, from where the model was when it was compiled; a model
   other than that one is refused. `options` may be null; `threads` and `dtype`
   were decided by compiling, and expected to be 0 and null, or the same
   threads. */
MARIMBA_EXPORT marimba_code marimba_model_open(const char *package,
                                               const char *directory,
                                               const marimba_options *options,
                                               marimba_model **model,
                                               char **message);
/* Sessions of it may live on. */
MARIMBA_EXPORT void marimba_model_free(marimba_model *model);
/* Logits after a token: as many floats. */
MARIMBA_EXPORT int32_t marimba_model_vocabulary(const marimba_model *model);
/* The ids that end a text or a turn, by whatever file, field or token of the
   model names them (docs/chat.md); `count` is their number. They live as long
   as the model. */
MARIMBA_EXPORT const int32_t *marimba_model_end_ids(const marimba_model *model,
                                                    size_t *count);

/* Ids of `text`, with the start of a text in front where `begin` is not 0, in
   memory for marimba_free(). An error for a model without a tokenizer, or where
   the text is not UTF-8. */
MARIMBA_EXPORT marimba_code marimba_encode(const marimba_model *model,
                                           const char *text, int begin,
                                           int32_t **ids, size_t *count,
                                           char **message);
/* The text of `ids`, special tokens left out, in memory for marimba_free(). */
MARIMBA_EXPORT marimba_code marimba_decode(const marimba_model *model,
                                           const int32_t *ids, size_t count,
                                           char **text, char **message);

/* The text of an answer, token by token, which ends at any of `stops`, which
   are texts (`stop_count` of them; none may be null). A stop text may have
   special tokens in it ("</s>\nUser:"), which the text of the answer has not.
   `prompt` are the ids in front, which decide how the answer is decoded. */
MARIMBA_EXPORT marimba_code marimba_answer_create(
    const marimba_model *model, const char *const *stops, size_t stop_count,
    const int32_t *prompt, size_t prompt_count, marimba_answer **answer,
    char **message);
MARIMBA_EXPORT void marimba_answer_free(marimba_answer *answer);
/* `text`, where it is not null, gets what can be shown now, whole characters
   and nothing of a stop text, maybe none, in memory for marimba_free().
   `stopped`, where it is not null, becomes 1 at a stop text, which ends the
   answer, else 0. */
MARIMBA_EXPORT marimba_code marimba_answer_push(marimba_answer *answer,
                                                int32_t id, char **text,
                                                int *stopped, char **message);
/* At the end, the text that was held back. */
MARIMBA_EXPORT marimba_code marimba_answer_finish(marimba_answer *answer,
                                                  char **text, char **message);

/* An empty sequence. */
MARIMBA_EXPORT marimba_code marimba_session_create(const marimba_model *model,
                                                   marimba_session **session,
                                                   char **message);
MARIMBA_EXPORT void marimba_session_free(marimba_session *session);

/* Appends `count` ids (at least one). `logits`, where it is not null, gets the
   vocabulary's floats after the last one. After MARIMBA_BAD_ARGUMENT the
   sequence is as before, after MARIMBA_FAILED it is empty. */
MARIMBA_EXPORT marimba_code marimba_session_append(marimba_session *session,
                                                   const int32_t *ids,
                                                   size_t count, float *logits,
                                                   char **message);
/* The vocabulary's floats after the last token, as the last append gave them or
   a restored file holds them. MARIMBA_BAD_STATE where neither is so. */
MARIMBA_EXPORT marimba_code marimba_session_logits(
    const marimba_session *session, float *logits, char **message);
/* Tokens of the sequence. */
MARIMBA_EXPORT size_t marimba_session_length(const marimba_session *session);
/* Makes it empty. */
MARIMBA_EXPORT void marimba_session_reset(marimba_session *session);

/* Writes the sequence to a file, which appears when it is whole, or replaces it
   by one of a file of the same model (docs/state.md). After a failure neither
   the file nor the sequence has changed; a full disk, and the limit of the
   process on the size of files, are failures and no signals. */
MARIMBA_EXPORT marimba_code marimba_session_save(const marimba_session *session,
                                                 const char *path,
                                                 char **message);
MARIMBA_EXPORT marimba_code marimba_session_restore(marimba_session *session,
                                                    const char *path,
                                                    char **message);

#ifdef __cplusplus
}
#endif

#endif /* MARIMBA_H */
