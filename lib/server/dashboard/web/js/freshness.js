// How fresh the page is: when it asks the server next, and whether the data have gone stale.
//
// Scripts push on a beat of their own; the page learns it, and calls the data stale when three
// beats, or three refreshes where those are longer, have passed without any.

const BEATS = 9; // of which the middle one counts
const PATIENCE = 3;

export class Freshness {
    constructor(refreshMs, now) {
        this.refreshMs = refreshMs;
        this.refreshedAt = now;
        this.dataAt = null;
        this.gaps = [];
    }

    refreshed(now) {
        this.refreshedAt = now;
    }

    arrived(now) {
        if (this.dataAt !== null) {
            this.gaps.push(now - this.dataAt);
            if (this.gaps.length > BEATS)
                this.gaps.shift();
        }
        this.dataAt = now;
    }

    get beatMs() {
        const sorted = [...this.gaps].sort((a, b) => a - b);
        return sorted.length ? sorted[sorted.length >> 1] : 0;
    }

    get patienceMs() {
        return PATIENCE * Math.max(this.refreshMs, this.beatMs);
    }

    // {refreshIn, share, age, stale} at this moment; age is null before the first data.
    at(now) {
        const refreshIn = Math.max(0, this.refreshedAt + this.refreshMs - now);
        const age = this.dataAt === null ? null : now - this.dataAt;
        return {
            refreshIn,
            share: refreshIn / this.refreshMs,
            age,
            stale: age !== null && age > this.patienceMs,
        };
    }
}
