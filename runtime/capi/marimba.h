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
|* it. Pointers that a function fills in are null after a failure. No function
|* writes to stdout or stderr, none ends the process where memory ends, and none
|* looks at the locale.
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

/* NOLINTBEGIN(readability-identifier-naming): names as C has them. */
/* The values of these and the fields of the structs below do not change; new
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
typedef struct marimba_logits marimba_logits;
typedef struct marimba_mark marimba_mark;
typedef struct marimba_answer marimba_answer;
typedef struct marimba_generation marimba_generation;
typedef struct marimba_batch marimba_batch;
typedef struct marimba_chat marimba_chat;

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
  const char *isa;          /* what code and library use of the processor, as
                               `marimba run --isa` has it; null: "native". The
                               library's limit is the process's: its first use
                               decides */
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
   other than that one is refused. `options` may be null; `threads`, `dtype`
   and `isa` were decided by compiling, and expected to be 0 and null, or the
   same threads. */
MARIMBA_EXPORT marimba_code marimba_model_open(const char *package,
                                               const char *directory,
                                               const marimba_options *options,
                                               marimba_model **model,
                                               char **message);
/* Whether `path` is a package, for marimba_model_open(); else it is for
   marimba_model_load(). */
MARIMBA_EXPORT int marimba_is_package(const char *path);
/* Sessions of it may live on. */
MARIMBA_EXPORT void marimba_model_free(marimba_model *model);
/* Logits after a token: as many floats. */
MARIMBA_EXPORT int32_t marimba_model_vocabulary(const marimba_model *model);
/* The ids that end a text or a turn, by whatever file, field or token of the
   model names them (docs/chat.md); `count` is their number. They live as long
   as the model. */
MARIMBA_EXPORT const int32_t *marimba_model_end_ids(const marimba_model *model,
                                                    size_t *count);

/* How a package is made. Zeros, beside `size`, are the defaults. */
typedef struct marimba_compile_options {
  size_t size;            /* sizeof(marimba_compile_options) */
  int32_t threads;        /* that the code will run on; 0: 1 */
  const char *dtype;      /* as in marimba_options */
  const char *isa;        /* as in marimba_options */
  const char *target_cpu; /* the processor, as LLVM names it; null: this one */
  const char *dump_ir;    /* a folder for the IR after every stage, which is
                             made, NN-STAGE.mlir (docs/pipeline.md), or null */
} marimba_compile_options;

/* Compiles the model in `directory` to `package`, a folder that must be new or
   empty and appears when all of it is written. Where `package` is null, only
   the IR is written, for which the directory needs no weights. `options` may be
   null. libmarimba-runtime.so answers MARIMBA_NO_COMPILER. */
MARIMBA_EXPORT marimba_code
marimba_compile(const char *directory, const marimba_compile_options *options,
                const char *package, char **message);

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

/* Which logits are wanted of tokens that are read. */
typedef enum marimba_wanted {
  MARIMBA_NO_LOGITS = 0,
  MARIMBA_LAST_LOGITS = 1, /* after the last token */
  MARIMBA_ALL_LOGITS = 2   /* after every token */
} marimba_wanted;

/* Hears after each piece of options.chunk tokens how many of `total` are read;
   0 ends the reading. It must not call functions of the same session. */
typedef int (*marimba_progress_function)(void *user, size_t done, size_t total);
/* As marimba_session_append(), to the bit. The logits stay in the session, for
   marimba_session_hold_logits(). `on_piece` may be null; where it ends the
   reading, which is no failure, the sequence has the tokens that were read, and
   no logits. MARIMBA_FAILED before anything is read where memory is short. */
MARIMBA_EXPORT marimba_code
marimba_session_read(marimba_session *session, const int32_t *ids, size_t count,
                     marimba_wanted wanted, marimba_progress_function on_piece,
                     void *user, char **message);
/* The logits of the last append or read, or of a restored file, without a copy:
   they stay as they are whatever becomes of the session, until
   marimba_logits_free(), which any thread may call. MARIMBA_BAD_STATE where
   there are none. */
MARIMBA_EXPORT marimba_code marimba_session_hold_logits(
    const marimba_session *session, marimba_logits **logits, char **message);
/* `rows` rows of the vocabulary's floats, the last token's at the end. */
MARIMBA_EXPORT const float *marimba_logits_data(const marimba_logits *logits,
                                                size_t *rows);
MARIMBA_EXPORT void marimba_logits_free(marimba_logits *logits);

/* The ids of the sequence, `count` of them, until the session goes on. */
MARIMBA_EXPORT const int32_t *
marimba_session_ids(const marimba_session *session, size_t *count);
/* Another session with the same sequence, which goes on by itself. It takes a
   copy of the states, and no computing. */
MARIMBA_EXPORT marimba_code marimba_session_fork(const marimba_session *session,
                                                 marimba_session **fork,
                                                 char **message);
/* Remembers where the sequence is, so that it can go back; keys and values of
   attention are not copied. */
MARIMBA_EXPORT marimba_code marimba_session_mark(const marimba_session *session,
                                                 marimba_mark **mark,
                                                 char **message);
MARIMBA_EXPORT void marimba_mark_free(marimba_mark *mark);
/* Takes back what came after the mark, any number of times. MARIMBA_BAD_STATE,
   with nothing changed, where the sequence does not go on from it. */
MARIMBA_EXPORT marimba_code marimba_session_rewind(marimba_session *session,
                                                   const marimba_mark *mark,
                                                   char **message);
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

/* How an answer is made. Zeros, beside `size`, are the defaults. */
typedef struct marimba_sampling {
  size_t size;              /* sizeof(marimba_sampling) */
  int64_t max_tokens;       /* of the answer; 0: 256, in a conversation 1024 */
  float temperature;        /* 0 takes the likeliest token */
  float top_p;              /* in (0, 1]; 0: 1, which keeps all */
  float min_p;              /* in [0, 1] */
  float repetition_penalty; /* above 0; 0: 1, which changes nothing */
  int32_t top_k;            /* 0 keeps all */
  int32_t ignore_end;       /* not 0: goes on after the end of a text; not for
                               conversations */
  uint64_t seed;            /* the same seed, the same choices */
  const char *const
      *stops; /* texts that end the answer, `stop_count` of them */
  size_t stop_count;
  float frequency_penalty;  /* in [-2, 2], subtracted from a token's logit for
                               each time that the answer has it */
  float presence_penalty;   /* in [-2, 2], subtracted where the answer has it */
  const int32_t *bias_ids;  /* tokens, `bias_count` of them, to whose logits */
  const float *bias_values; /* these are added, in [-100, 100] */
  size_t bias_count;
} marimba_sampling;

/* Why an answer ends. */
typedef enum marimba_end {
  MARIMBA_GOES_ON = 0,        /* it does not yet */
  MARIMBA_END_MODEL = 1,      /* a token that ends a text */
  MARIMBA_END_STOP = 2,       /* a stop text */
  MARIMBA_END_LENGTH = 3,     /* max_tokens */
  MARIMBA_END_INTERRUPTED = 4 /* the program said so */
} marimba_end;

/* Many prompts together: requests come and go while others are answered, up to
   `slots` of them at once. Each gets the tokens that it would get alone, up to
   the rounding of sums. The model's tokenizer, where it has one, makes the
   texts. */
MARIMBA_EXPORT marimba_code marimba_batch_create(const marimba_model *model,
                                                 int32_t slots,
                                                 marimba_batch **batch,
                                                 char **message);
MARIMBA_EXPORT void marimba_batch_free(marimba_batch *batch);
/* A prompt of `count` ids (at least one) is answered when there is room.
   `sampling` may be null. `request` becomes its number: 0, 1, 2, ... From any
   thread, also while another one is in marimba_batch_next(). */
MARIMBA_EXPORT marimba_code marimba_batch_submit(
    marimba_batch *batch, const int32_t *ids, size_t count,
    const marimba_sampling *sampling, uint64_t *request, char **message);
/* Drops a request: nothing more comes of it than what marimba_batch_next() has
   already computed. From any thread. */
MARIMBA_EXPORT void marimba_batch_cancel(marimba_batch *batch,
                                         uint64_t request);

/* What came of a request. */
typedef struct marimba_event {
  size_t size;      /* sizeof(marimba_event), set before the call */
  uint64_t request; /* its number */
  int32_t id;       /* a new token; -1 where `end` is not MARIMBA_GOES_ON */
  marimba_end end;  /* why nothing more comes */
  const char *text; /* what can be shown now and could not before, whole
                       characters; lives until the next call for this batch */
} marimba_event;

/* The next thing that comes of any request; computes until there is one. `some`
   becomes 0 where nothing runs and nothing waits, else 1. After MARIMBA_FAILED
   all requests are gone. One thread at a time. */
MARIMBA_EXPORT marimba_code marimba_batch_next(marimba_batch *batch,
                                               marimba_event *event, int *some,
                                               char **message);

/* A session goes on by tokens that the model chooses from its logits, as
   `marimba run` does. `sampling` may be null. The session must outlive it, and
   be used by nobody else until the end. MARIMBA_BAD_STATE where the session has
   no logits. */
MARIMBA_EXPORT marimba_code
marimba_generation_create(const marimba_model *model, marimba_session *session,
                          const marimba_sampling *sampling,
                          marimba_generation **generation, char **message);
MARIMBA_EXPORT void marimba_generation_free(marimba_generation *generation);
/* The next token, or the end, with `id` -1 and the text that was held back;
   nothing comes after it. `event.request` becomes 0. The sequence gets a token
   when the one after it is asked for. */
MARIMBA_EXPORT marimba_code marimba_generation_next(
    marimba_generation *generation, marimba_event *event, char **message);
/* Ends it, and gives the session the last token, too, for whoever goes on. */
MARIMBA_EXPORT marimba_code
marimba_generation_close(marimba_generation *generation, char **message);

/* How a conversation is led. Zeros, beside `size`, are the defaults. */
typedef struct marimba_chat_options {
  size_t size;        /* sizeof(marimba_chat_options) */
  const char *system; /* what the model is told first, or null */
  const char *form;   /* the chat template of this name; null: the default
                         one, or a plain form where the model has none */
  const marimba_sampling *sampling; /* of all answers, or null */
  const char *tools; /* what the model may call: a list of functions as JSON,
                        for the chat template, or null */
  const char *template_values; /* other values for it: an object of JSON, such
                                  as {"enable_thinking": false}, or null */
  int hide_thoughts; /* whether <think>, </think> and what is between are left
                        out of what is heard; `answer` never has them */
} marimba_chat_options;

/* A conversation. `options` may be null. An error for a model without a
   tokenizer. */
MARIMBA_EXPORT marimba_code marimba_chat_create(
    const marimba_model *model, const marimba_chat_options *options,
    marimba_chat **chat, char **message);
MARIMBA_EXPORT void marimba_chat_free(marimba_chat *chat);

/* Hears pieces of an answer, whole characters each; 0 ends the answer. It must
   not call functions of the same conversation. */
typedef int (*marimba_text_function)(void *user, const char *text);
/* Adds a question (UTF-8) and its answer, which `on_text`, where it is not
   null, hears as it comes, and `answer`, where it is not null, gets as a whole,
   in memory for marimba_free(). `end` may be null, too. After a failure the
   conversation is as before. */
MARIMBA_EXPORT marimba_code marimba_chat_ask(marimba_chat *chat,
                                             const char *question,
                                             marimba_text_function on_text,
                                             void *user, char **answer,
                                             marimba_end *end, char **message);
/* Ends the answer that is being made, or its question's reading, as a hearer's
   0 does. From any thread, and from a handler of signals. */
MARIMBA_EXPORT void marimba_chat_interrupt(marimba_chat *chat);
/* Takes the last question and its answer back; 0 where there is none. */
MARIMBA_EXPORT int marimba_chat_undo(marimba_chat *chat);
/* Back to the beginning. */
MARIMBA_EXPORT void marimba_chat_reset(marimba_chat *chat);
/* Saves the conversation, with what the model remembers, or goes on from a
   saved one or from a session (docs/chat.md). After a failure nothing has
   changed. */
MARIMBA_EXPORT marimba_code marimba_chat_save(marimba_chat *chat,
                                              const char *path, char **message);
MARIMBA_EXPORT marimba_code marimba_chat_load(marimba_chat *chat,
                                              const char *path, char **message);

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif

#endif /* MARIMBA_H */
