// The pills of the running servers: which they are, whether they are there, and how much comes.

import * as format from "./format.js";
import { setText } from "./table.js";

const byId = (id) => document.getElementById(id);

const WORDS = { connecting: "connecting", connected: "", lost: "reconnecting", finished: "finished" };
const STATES = { connecting: "connecting", connected: "connected", lost: "disconnected", finished: "connected" };

export class Feeds {
    constructor() {
        this.element = byId("feeds");
        this.pills = [];
        this.counts = [];
        this.at = 0;
    }

    #make() {
        const pill = document.createElement("div");
        pill.className = "pill feed";
        pill.dataset.testid = "feed";
        const parts = ["dot", "feed-kind", "feed-words"].map((name) => {
            const part = document.createElement("span");
            part.className = name;
            pill.append(part);
            return part;
        });
        parts[0].setAttribute("aria-hidden", "true");
        this.element.append(pill);
        this.pills.push({ pill, parts });
    }

    // `now`: milliseconds, to tell how much comes in a second.
    show(feeds, now) {
        this.element.hidden = feeds.length === 0;
        while (this.pills.length < feeds.length)
            this.#make();
        while (this.pills.length > feeds.length)
            this.pills.pop().pill.remove();
        const seconds = (now - this.at) / 1000;
        feeds.forEach((feed, i) => {
            const { pill, parts } = this.pills[i];
            const came = feed.messages - (this.counts[i] ?? feed.messages);
            const rate = seconds > 0.5 && came >= 0 ? Math.round(came / seconds) : null;
            pill.dataset.state = STATES[feed.state] ?? "connecting";
            pill.title = [feed.url, feed.words, `${format.count(feed.messages)} messages`,
                feed.unread ? `${format.count(feed.unread)} of them not understood` : ""]
                .filter(Boolean).join("\n");
            setText(parts[1], feed.kind || "server");
            const words = WORDS[feed.state] || (rate === null ? "" : format.compact(rate) + "/s");
            if (words || feed.state !== "connected")
                setText(parts[2], words);
        });
        if (seconds > 0.5) {
            this.counts = feeds.map(({ messages }) => messages);
            this.at = now;
        }
    }
}
