#include "parquet/cells.h"

void msim_cells_init(struct msim_cells *cells, size_t leaf, const struct msim_crc *crc,
                     const struct msim_allocator *allocator)
{
    *cells = (struct msim_cells){.leaf = leaf};
    msim_reader_init(&cells->reader, crc, allocator);
}

void msim_cells_finish(struct msim_cells *cells)
{
    msim_cells_close(cells);
    msim_reader_finish(&cells->reader);
}

int msim_cells_open(struct msim_cells *cells, const struct msim_parquet_file *file,
                    const struct footer *footer, size_t group, struct msim_detail *detail)
{
    msim_cells_close(cells);
    return msim_column_open(&cells->column, &cells->reader, file, footer, group, cells->leaf,
                            detail);
}

void msim_cells_close(struct msim_cells *cells)
{
    msim_column_close(&cells->column);
    cells->span = (struct msim_span){0};
    cells->row = cells->value = 0;
}

static struct msim_text value_at(const struct msim_cells *cells)
{
    const struct msim_span *span = &cells->span;
    size_t width = cells->column.width;

    if (span->form == SPAN_TEXT)
        return span->texts[cells->value];
    if (span->form == SPAN_FIXED)
        return (struct msim_text){span->fixed + cells->value * width, (uint32_t)width};
    const struct msim_dictionary *dictionary = &cells->column.dictionary;
    uint32_t index = span->indexes[cells->value];
    if (width == 0)
        return dictionary->texts[index];
    return (struct msim_text){dictionary->bytes + index * width, (uint32_t)width};
}

int msim_cells_next(struct msim_cells *cells, size_t ahead, struct msim_text *value,
                    struct msim_detail *detail)
{
    if (cells->row == cells->span.rows) {
        size_t want = ahead < MSIM_COLUMN_BATCH ? ahead : MSIM_COLUMN_BATCH;
        int r = msim_column_read(&cells->column, want, &cells->span, detail);
        if (r < 0)
            return r;
        cells->row = cells->value = 0;
    }
    size_t row = cells->row++;
    if (cells->span.present && !cells->span.present[row])
        return 0;
    *value = value_at(cells);
    cells->value++;
    return 1;
}
