// The failure layer of the exchange: a switch and the counts of each strategy, and what can be
// done at once.  Who may not throw them sees them only.

import * as format from "./format.js";
import { setText } from "./table.js";

const byId = (id) => document.getElementById(id);
const SAID_MS = 6000; // words about a command

// What can be fired with one choice; anything else by the admin API.
export const SHOTS = [
    { label: "Close all sessions", body: { kind: "session", action: "close", scope: "all", select: { dir: "out" } } },
    { label: "Reset all links", body: { kind: "session", action: "rst", scope: "all", select: { dir: "out" } } },
    { label: "Say nothing for 5 s", body: { kind: "session", action: "freeze_out", scope: "all", duration: "5s", select: { dir: "out" } } },
    { label: "Halt trading", body: { kind: "venue", do: "halt" } },
    { label: "Resume trading", body: { kind: "venue", do: "resume" } },
];

const STATES = { connected: "", connecting: "connecting", lost: "not reached" };

function element(name, className, testid) {
    const made = document.createElement(name);
    made.className = className;
    if (testid)
        made.dataset.testid = testid;
    return made;
}

// "3 dropped, 12 delayed": what a strategy did beyond its hits.
export function countWords(counts) {
    return Object.entries(counts ?? {}).filter(([, count]) => count > 0)
        .map(([name, count]) => format.count(count) + " " + name.replaceAll("_", " ")).join(", ");
}

export class Faults {
    constructor(command) {
        this.command = command;
        this.may = false;
        this.lines = new Map();
        this.list = byId("faults-list");
        this.timer = 0;
        byId("faults-heal").addEventListener("click", () => command({ do: "heal" }));
        byId("faults-reset").addEventListener("click", () => command({ do: "reset" }));
        this.#choices(byId("faults-fire"), SHOTS.map(({ label }) => label),
            (index) => command({ do: "fire", body: SHOTS[index].body }));
        this.presets = [];
        byId("faults-preset").addEventListener("change", (event) => {
            const name = event.target.value;
            event.target.selectedIndex = 0;
            if (name)
                command({ do: "preset", name });
        });
    }

    #choices(select, labels, run) {
        labels.forEach((label, index) => {
            const option = document.createElement("option");
            option.value = String(index);
            option.textContent = label;
            select.append(option);
        });
        select.addEventListener("change", () => {
            const index = Number(select.value);
            select.selectedIndex = 0;
            run(index);
        });
    }

    setMay({ may }) {
        this.may = may === true;
        for (const id of ["faults-heal", "faults-reset", "faults-fire", "faults-preset"])
            byId(id).disabled = !this.may;
        byId("faults").toggleAttribute("data-looking", !this.may);
        for (const line of this.lines.values())
            line.toggle.disabled = line.remove.disabled = !this.may;
    }

    show(message) {
        document.documentElement.toggleAttribute("data-faults", true);
        const strategies = Array.isArray(message.strategies) ? message.strategies : [];
        setText(byId("faults-state"), STATES[message.state] ?? "");
        byId("faults-state").title = message.words ?? "";
        byId("faults").toggleAttribute("data-lost", message.state === "lost");
        this.#listPresets(Array.isArray(message.presets) ? message.presets : []);
        const ids = new Set(strategies.map(({ id }) => id));
        for (const [id, line] of this.lines)
            if (!ids.has(id)) {
                line.row.remove();
                this.lines.delete(id);
            }
        for (const strategy of strategies)
            this.#fill(this.lines.get(strategy.id) ?? this.#make(strategy.id), strategy);
        byId("faults-empty").hidden = strategies.length > 0;
        const active = strategies.filter(({ enabled }) => enabled).length;
        setText(byId("faults-active"), active ? String(active) : "");
    }

    #listPresets(names) {
        if (names.length === this.presets.length && names.every((name, i) => name === this.presets[i]))
            return;
        this.presets = names;
        const select = byId("faults-preset");
        select.replaceChildren(select.options[0], ...names.map((name) => {
            const option = document.createElement("option");
            option.value = name;
            option.textContent = name.replaceAll("_", " ");
            return option;
        }));
        select.selectedIndex = 0;
    }

    #make(id) {
        const row = element("div", "fault", "fault");
        const toggle = element("button", "switch", "fault-switch");
        const name = element("span", "fault-name");
        const words = element("span", "fault-words");
        const hits = element("span", "fault-hits", "fault-hits");
        const remove = element("button", "fault-remove", "fault-remove");
        row.dataset.id = id;
        toggle.type = remove.type = "button";
        toggle.setAttribute("role", "switch");
        toggle.setAttribute("aria-label", id);
        setText(remove, "\u2715");
        remove.title = "Remove " + id;
        remove.setAttribute("aria-label", "Remove " + id);
        setText(name, id);
        name.title = id;
        toggle.disabled = remove.disabled = !this.may;
        toggle.addEventListener("click", () => this.command({
            do: toggle.getAttribute("aria-checked") === "true" ? "disable" : "enable", name: id,
        }));
        remove.addEventListener("click", () => this.command({ do: "remove", name: id }));
        row.append(toggle, name, hits, words, remove);
        this.list.append(row);
        const line = { row, toggle, words, hits, remove };
        this.lines.set(id, line);
        return line;
    }

    #fill(line, { kind, enabled, seen, hits, counts }) {
        line.toggle.setAttribute("aria-checked", String(enabled === true));
        setText(line.hits, format.compact(hits));
        line.hits.title = `${format.count(hits)} hits of ${format.count(seen)} messages`;
        const did = countWords(counts);
        setText(line.words, kind + (did ? " \u00b7 " + did : ""));
        line.words.title = did;
    }

    // What became of a command.
    said({ do: verb, status, message }) {
        const words = byId("faults-said");
        const isGood = status === "success";
        setText(words, isGood ? `${verb}: done` : `${verb || "command"}: ${message}`);
        words.className = "faults-said " + (isGood ? "good" : "bad");
        words.hidden = false;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => (words.hidden = true), SAID_MS);
    }
}
