/*
 * Spoiling one payload: what judging asks of corrupt_*.c, and they of each other.
 */
#ifndef MSIM_FAULTS_CORRUPT_H
#define MSIM_FAULTS_CORRUPT_H

#include "faults/inside.h"

/* The second part of a split message has its first part's copy number and this. */
#define SPLIT_SUB 16

/* One mutation of one payload, and what came of it. */
struct mutating {
    struct msim_faults *faults;
    const struct mutation *mutation;
    const struct msim_fault_message *message;
    const unsigned char *bytes;
    size_t length;
    uint64_t key; /* of its draws */
    uint64_t n;
    uint32_t sub;
    uint32_t draws; /* how many it made */
    bool applied;
    unsigned char *made; /* from the payloads; NULL where the bytes stay (split) */
    size_t made_length;
    uint8_t class;
    size_t cut; /* split: where the second message begins; 0 for none */
};

/* MSIM_ERR_NOMEM, or MSIM_OK with `applied` false where no token fits. */
int msim_fault_mutate(struct mutating *mutating);
/* A number of 0..count-1, `count` at least 1. */
size_t msim_fault_mutate_draw(struct mutating *mutating, size_t count);
/* Makes the payload with bytes[start .. end) replaced. */
int msim_fault_mutate_replace(struct mutating *mutating, size_t start, size_t end, const char *with,
                              size_t length);
/* Whether another value can follow it so that both are no JSON: numbers would grow together. */
bool msim_fault_can_precede(const unsigned char *bytes, size_t length);
/* corrupt_fields.c: the modes that work on JSON tokens. */
bool msim_fault_is_json(const unsigned char *bytes, size_t length);
int msim_fault_mutate_token(struct mutating *mutating);
/* corrupt_number.c: a number's text, spoiled; false where that would say the same or be too long.
 */
#define NUMBER_TEXT_MOST 128
bool msim_fault_mutate_number(struct mutating *mutating, const char *text, size_t length,
                              char out[NUMBER_TEXT_MOST], size_t *out_length);

void msim_fault_live_note(struct msim_faults *faults, const struct msim_fault_message *message);

const struct mutation *msim_fault_mutation_pick(const struct corrupt *corrupt, uint64_t uniform);
const char *msim_fault_corruption_name(int mode);

#endif
