// A few buttons of which one is chosen.

export function segments(element, choices, state, name) {
    const buttons = choices.map(({ name: value, label, title }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = label;
        button.dataset.value = value;
        if (title)
            button.title = title;
        button.addEventListener("click", () => state.set(name, value));
        element.append(button);
        return button;
    });
    const show = () => {
        for (const button of buttons)
            button.setAttribute("aria-pressed", String(button.dataset.value === state.get(name)));
    };
    state.onChange((changed) => changed === name && show());
    show();
}
