// Dark and light, and the colours that the charts take from the style sheet.

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: light)");

export class Theme {
    #listeners = [];

    constructor(state) {
        this.state = state;
        state.onChange((name) => (name === "theme" || name === "sides") && this.apply());
        system.addEventListener("change", () => this.apply());
        this.apply();
    }

    get isLight() {
        return this.state.get("theme") ? this.state.get("theme") === "light" : system.matches;
    }

    onChange(listen) {
        this.#listeners.push(listen);
    }

    toggle() {
        const other = this.isLight ? "dark" : "light";
        const isSystems = (other === "light") === system.matches;
        this.state.set("theme", isSystems ? "" : other);
    }

    apply() {
        root.dataset.theme = this.isLight ? "light" : "dark";
        root.dataset.sides = this.state.get("sides") || "safe";
        const style = getComputedStyle(root);
        this.colour = (name) => style.getPropertyValue("--" + name).trim();
        for (const listen of this.#listeners)
            listen();
    }

    // The same colour, so much of it: "#rrggbb" -> "#rrggbbaa".
    faint(name, share) {
        const byte = Math.round(share * 255).toString(16).padStart(2, "0");
        return this.colour(name) + byte;
    }
}
