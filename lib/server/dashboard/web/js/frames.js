// When things are drawn: at most once in a frame, and what is costly at most every so often.
//
// What arrives is only noted; the next frame draws it.  Where there is more to draw than a frame
// has time for, what has waited longest goes first and the rest waits for the next one.  A page
// that nobody sees draws nothing and catches up when it is looked at.

const FRAME_MS = 7; // of a frame's sixteen: the rest is the browser's, for layout and paint

export class Frames {
    #jobs = new Map();
    #frame = 0;
    #timer = 0;

    constructor(window) {
        this.window = window;
    }

    // `every`: milliseconds from one run to the next.
    job(name, run, every = 0) {
        this.#jobs.set(name, { run, every, wanted: false, ranAt: -Infinity });
    }

    want(...names) {
        for (const name of names)
            this.#jobs.get(name).wanted = true;
        this.#schedule();
    }

    wantAll() {
        this.want(...this.#jobs.keys());
    }

    #schedule() {
        if (!this.#frame)
            this.#frame = this.window.requestAnimationFrame((now) => this.#run(now));
    }

    #run(now) {
        this.#frame = 0;
        const begun = this.window.performance.now();
        const wanted = [...this.#jobs.values()].filter((job) => job.wanted)
            .sort((a, b) => a.ranAt - b.ranAt);
        let next = Infinity;
        for (const job of wanted) {
            const wait = job.ranAt + job.every - now;
            if (wait > 0) {
                next = Math.min(next, wait);
                continue;
            }
            if (this.window.performance.now() - begun > FRAME_MS) {
                this.#schedule();
                break;
            }
            job.wanted = false;
            job.ranAt = now;
            job.run();
        }
        if (next < Infinity && !this.#timer)
            this.#timer = this.window.setTimeout(() => {
                this.#timer = 0;
                this.#schedule();
            }, next);
    }
}
