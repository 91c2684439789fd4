// Keys: each has a name, what it does, and a line in the help.

const isTyping = (target) =>
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));

export class Keyboard {
    constructor() {
        this.keys = new Map();
        document.addEventListener("keydown", (event) => this.#press(event));
    }

    // `label` is what stands on the key, `help` what it does; without a label it is not listed.
    // `group` is the class of what is not on every page, as in the style sheet.
    on(key, label, help, run, group = "") {
        this.keys.set(key, { label, help, run, group });
    }

    #press(event) {
        if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
            return;
        if (isTyping(event.target)) {
            if (event.key === "Escape")
                event.target.blur();
            return;
        }
        const isButton = event.target instanceof Element && event.target.closest("button, a");
        const key = this.keys.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
        if (!key || (isButton && (event.key === " " || event.key === "Enter")))
            return;
        event.preventDefault();
        key.run();
    }

    // The lines of the help.
    list(element) {
        const listed = [...this.keys.values()].filter(({ label }) => label);
        for (const { label, help, group } of listed) {
            const term = document.createElement("dt");
            for (const word of label.split(" ")) {
                const cap = document.createElement("kbd");
                cap.textContent = word;
                term.append(cap, " ");
            }
            const what = document.createElement("dd");
            what.textContent = help;
            term.className = what.className = group;
            element.append(term, what);
        }
    }
}
