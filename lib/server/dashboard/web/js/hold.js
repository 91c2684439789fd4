// Pause: what arrives is held, and comes when the reader goes on.
//
// The rows held are bounded as the page's own; beyond that they are let go, and the server is
// asked for what it has when the reader goes on.

export class Hold {
    #batches = [];

    constructor(take, limit) {
        this.take = take;
        this.limit = limit;
        this.paused = false;
        this.rows = 0;
        this.overflowed = false;
    }

    put(update) {
        if (!this.paused) {
            this.take(update);
            return;
        }
        this.rows += (update.trades?.length ?? 0) + (update.market_data?.length ?? 0);
        if (this.rows > this.limit) {
            this.overflowed = true;
            this.#batches = [];
        }
        if (!this.overflowed)
            this.#batches.push(update);
    }

    pause() {
        this.paused = true;
    }

    // Gives whether something was let go: then the server must be asked.
    resume() {
        const batches = this.#batches;
        const lost = this.overflowed;
        this.drop();
        this.paused = false;
        for (const update of batches)
            this.take(update);
        return lost;
    }

    // What is held is of no use any more: everything comes anew.
    drop() {
        this.#batches = [];
        this.rows = 0;
        this.overflowed = false;
    }
}
