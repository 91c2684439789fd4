// A row of things that grow at its end and leave at its front, each in constant time.

const COMPACT_AFTER = 1024; // left over at the front, before the rest moves up

export class Queue {
    #items = [];
    #first = 0;

    get length() {
        return this.#items.length - this.#first;
    }

    at(index) {
        return this.#items[this.#first + (index < 0 ? this.length + index : index)];
    }

    push(item) {
        this.#items.push(item);
    }

    shift() {
        if (this.length === 0)
            return undefined;
        const item = this.#items[this.#first];
        this.#items[this.#first++] = undefined;
        if (this.#first > COMPACT_AFTER && this.#first * 2 > this.#items.length) {
            this.#items = this.#items.slice(this.#first);
            this.#first = 0;
        }
        return item;
    }

    toArray() {
        return this.#items.slice(this.#first);
    }
}
