#include "flow_book.h"

bool flow_books_create(struct flow_books *books, size_t book_count, size_t max_id)
{
    *books = (struct flow_books){.book_count = book_count};
    books->orders = calloc(max_id + 1, sizeof *books->orders);
    books->books = calloc(book_count, sizeof *books->books);
    if (!books->orders || !books->books)
        return false;
    for (size_t i = 0; i < book_count; i++) {
        struct flow_book *book = &books->books[i];
        book->best[FLOW_SELL] = FLOW_PRICES;
        for (int side = FLOW_BUY; side <= FLOW_SELL; side++)
            if (!(book->queues[side] = calloc(FLOW_PRICES, sizeof *book->queues[side])))
                return false;
    }
    return true;
}

void flow_books_destroy(struct flow_books *books)
{
    for (size_t i = 0; books->books && i < books->book_count; i++) {
        free(books->books[i].queues[FLOW_BUY]);
        free(books->books[i].queues[FLOW_SELL]);
        free(books->books[i].resting);
    }
    free(books->books);
    free(books->orders);
    *books = (struct flow_books){0};
}

static bool list(struct flow_book *book, struct flow_order *order, uint32_t id)
{
    if (book->resting_count == book->resting_room) {
        const uint32_t room = book->resting_room ? book->resting_room * 2 : 1024;
        uint32_t *grown = realloc(book->resting, room * sizeof *grown);
        if (!grown)
            return false;
        book->resting = grown;
        book->resting_room = room;
    }
    order->place = book->resting_count;
    book->resting[book->resting_count++] = id;
    book->recent[book->recent_count++ % FLOW_RECENT] = id;
    return true;
}

bool flow_books_rest(struct flow_books *books, uint32_t id, uint32_t price, uint32_t quantity)
{
    struct flow_order *order = &books->orders[id];
    struct flow_book *book = &books->books[order->symbol];
    struct flow_queue *queue = &book->queues[order->side][price];
    uint32_t *best = &book->best[order->side];

    if (!list(book, order, id))
        return false;
    order->price = price;
    order->quantity = quantity;
    order->rests = true;
    order->behind = 0;
    order->before = queue->last;
    *(queue->last ? &books->orders[queue->last].behind : &queue->first) = id;
    queue->last = id;
    if (order->side == FLOW_BUY ? price > *best : price < *best)
        *best = price;
    return true;
}

void flow_books_remove(struct flow_books *books, uint32_t id)
{
    struct flow_order *order = &books->orders[id];
    struct flow_book *book = &books->books[order->symbol];
    const struct flow_queue *queues = book->queues[order->side];
    struct flow_queue *queue = &book->queues[order->side][order->price];
    uint32_t *best = &book->best[order->side];

    *(order->before ? &books->orders[order->before].behind : &queue->first) = order->behind;
    *(order->behind ? &books->orders[order->behind].before : &queue->last) = order->before;
    order->rests = false;

    const uint32_t moved = book->resting[--book->resting_count];
    book->resting[order->place] = moved;
    books->orders[moved].place = order->place;

    if (order->side == FLOW_BUY)
        while (*best > 0 && !queues[*best].first)
            --*best;
    else
        while (*best < FLOW_PRICES && !queues[*best].first)
            ++*best;
}

uint32_t flow_books_match(struct flow_books *books, uint32_t taker, uint32_t limit,
                          uint32_t quantity)
{
    const struct flow_order *order = &books->orders[taker];
    struct flow_book *book = &books->books[order->symbol];
    const uint8_t other = order->side == FLOW_BUY ? FLOW_SELL : FLOW_BUY;

    while (quantity > 0 && flow_book_has(book, other)) {
        const uint32_t price = book->best[other];
        if (order->side == FLOW_BUY ? price > limit : price < limit)
            break;
        const uint32_t id = book->queues[other][price].first;
        struct flow_order *maker = &books->orders[id];
        const uint32_t filled = maker->quantity < quantity ? maker->quantity : quantity;
        flow_trade(&books->trades, id, price, filled, (uint64_t)price * filled);
        quantity -= filled;
        maker->quantity -= filled;
        if (maker->quantity == 0)
            flow_books_remove(books, id);
    }
    return quantity;
}
