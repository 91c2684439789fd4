// A table of any length of which only the lines in sight are in the document.
//
// Its body is as high as all lines; a line is laid where it belongs by a transform.  Elements
// are made once and filled again as the reader scrolls.  Cells are filled with text alone.

const SPARE_LINES = 6; // beyond either edge, for a quick hand
const NARROW = matchMedia("(max-width: 620px)"); // as in the style sheet: a phone

export class VirtualTable {
    // columns: [{key, label, width, narrow, grow, number, title, fill(cell, record)}]
    constructor(table, { columns, lineHeight, onSort, onPick, lineClass }) {
        this.table = table;
        this.scroller = table.parentElement;
        this.body = table.tBodies[0];
        this.lineHeight = lineHeight;
        this.onSort = onSort;
        this.onPick = onPick;
        this.lineClass = lineClass;
        this.lines = [];
        this.first = 0;
        this.source = { length: 0, at: () => null };
        this.setColumns(columns);
        // Asked for when it changes alone: to ask after a change would lay the page out at once.
        this.top = 0;
        this.scroller.addEventListener("scroll", () => {
            this.top = this.scroller.scrollTop;
            this.draw();
        }, { passive: true });
        this.body.addEventListener("click", (event) => this.#click(event));
        new ResizeObserver(() => this.#resized()).observe(this.scroller);
        NARROW.addEventListener("change", () => this.#layOut());
        this.#resized();
    }

    setColumns(columns) {
        this.columns = columns;
        this.#layOut();
        this.table.setAttribute("aria-colcount", columns.length);
        this.#head();
        this.body.replaceChildren();
        this.lines = [];
    }

    #layOut() {
        const width = (column) => (NARROW.matches ? column.narrow ?? column.width : column.width);
        const widths = this.columns.map((column) => `minmax(${width(column)}px, ${column.grow ?? 1}fr)`);
        this.table.style.setProperty("--columns", widths.join(" "));
        const narrowest = this.columns.reduce((sum, column) => sum + width(column), 0);
        this.table.style.setProperty("--narrowest", narrowest + "px");
    }

    #head() {
        const line = document.createElement("tr");
        line.setAttribute("role", "row");
        for (const column of this.columns) {
            const cell = document.createElement("th");
            cell.setAttribute("role", "columnheader");
            cell.scope = "col";
            cell.className = column.number ? "num" : "";
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = column.label;
            button.title = column.title ?? "Sort by " + column.label;
            button.addEventListener("click", () => this.onSort(column.key));
            cell.append(button);
            line.append(cell);
        }
        this.table.tHead.replaceChildren(line);
        this.showSort(this.sortKey, this.sortDescending);
    }

    showSort(key, descending) {
        this.sortKey = key;
        this.sortDescending = descending;
        const cells = this.table.tHead.rows[0].cells;
        this.columns.forEach((column, i) => {
            const sort = column.key !== key ? "none" : descending ? "descending" : "ascending";
            cells[i].setAttribute("aria-sort", sort);
        });
    }

    #resized() {
        this.height = this.scroller.clientHeight;
        this.draw();
    }

    // The number of the first line in sight.
    get firstInSight() {
        return Math.floor(this.top / this.lineHeight);
    }

    scrollTo(top) {
        this.top = top;
        this.scroller.scrollTop = top;
    }

    // Shows a source, {length, at(line)}.  `above`: lines that came above the reader's, who
    // keeps the place unless it is the top.
    show(source, above = 0) {
        this.source = source;
        if (this.length !== source.length) {
            this.length = source.length;
            this.body.style.height = source.length * this.lineHeight + "px";
            this.table.setAttribute("aria-rowcount", source.length + 1);
        }
        if (above > 0)
            this.scrollTo(this.top + above * this.lineHeight);
        this.draw();
    }

    draw() {
        const sight = Math.ceil((this.height || 0) / this.lineHeight) + 1;
        const first = Math.max(0, Math.min(this.firstInSight, this.source.length - sight) - SPARE_LINES);
        const count = Math.min(this.source.length - first, sight + 2 * SPARE_LINES);
        while (this.lines.length < count)
            this.#grow();
        while (this.lines.length > count)
            this.lines.pop().element.remove();
        this.#turn(first);
        for (let slot = 0; slot < count; slot++)
            this.#place(first + slot, this.lines[slot]);
    }

    // Where the lines have moved up or down, elements go from one end to the other, so that
    // most of them keep their record, and all stay in the order of their lines, which is the
    // order in which a reader of the document meets them.
    #turn(first) {
        const { lines, source } = this;
        const { length } = lines;
        if (length === 0 || !lines[0].record || source.at(first) === lines[0].record)
            return;
        for (let by = 1; by < length; by++) {
            if (source.at(first + by) === lines[0].record) {
                const moved = lines.splice(length - by);
                this.body.prepend(...moved.map(({ element }) => element));
                lines.unshift(...moved);
                return;
            }
            if (source.at(first) === lines[by].record) {
                const moved = lines.splice(0, by);
                this.body.append(...moved.map(({ element }) => element));
                lines.push(...moved);
                return;
            }
        }
    }

    #grow() {
        const element = document.createElement("tr");
        element.setAttribute("role", "row");
        const cells = this.columns.map((column) => {
            const cell = document.createElement("td");
            cell.setAttribute("role", "cell");
            if (column.number)
                cell.className = "num";
            element.append(cell);
            return cell;
        });
        this.body.append(element);
        this.lines.push({ element, cells, record: null, number: -1, classes: "" });
    }

    #place(number, line) {
        const record = this.source.at(number);
        if (line.number !== number) {
            line.number = number;
            line.element.style.transform = `translateY(${number * this.lineHeight}px)`;
            line.element.setAttribute("aria-rowindex", number + 2);
        }
        const classes = this.lineClass(record) + (number % 2 === 1 ? " odd" : "");
        if (line.classes !== classes) {
            line.classes = classes;
            line.element.className = classes;
        }
        if (line.record === record)
            return;
        line.record = record;
        this.columns.forEach((column, i) => column.fill(line.cells[i], record));
    }

    // Fills the lines in sight again, whatever they held.
    refill() {
        for (const line of this.lines)
            line.record = null;
        this.draw();
    }

    #click(event) {
        const element = event.target.closest("tr");
        const line = this.lines.find((candidate) => candidate.element === element);
        if (line?.record && this.onPick && String(document.getSelection()) === "")
            this.onPick(line.record);
    }

    toTop() {
        this.scrollTo(0);
        this.draw();
    }
}

// The text of a cell; the document is touched only where it changes.
export function setText(element, words) {
    if (element.textContent !== words)
        element.textContent = words;
}
