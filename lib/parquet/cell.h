/*
 * A stored value of any flat column as the text that a person reads.
 */
#ifndef MSIM_PARQUET_CELL_H
#define MSIM_PARQUET_CELL_H

#include "base/bytes.h"
#include "parquet/column.h"

/* Decimals of more bytes are shown as bytes. */
#define MSIM_CELL_DECIMAL_BYTES 64

/* Whether the column's texts are numbers or truth values, which JSON writes without quotes. */
bool msim_cell_is_bare(const struct leaf *leaf);

/* Appends the value; MSIM_ERR_NOMEM, MSIM_ERR_LIMIT. */
int msim_cell_print(struct msim_bytes *out, const struct leaf *leaf, struct msim_text value);

/* "DECIMAL(9,2)", "TIMESTAMP(MICROS)"; empty where the type alone says it. */
void msim_cell_meaning(const struct leaf *leaf, char out[40]);

#endif
