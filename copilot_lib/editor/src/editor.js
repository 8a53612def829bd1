// The editor in the browser: a CodeMirror document with ghost text at the caret.
// It knows keys, carets and drawing; it does not know where a suggestion comes from. Python holds the same five values
// (text, offset, suggestion, answered, status) as synced traits, so a cell can do whatever a hand can.

import { defaultKeymap, history, historyKeymap, indentLess, insertTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Annotation, EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, WidgetType } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { debounce } from "./debounce.js";

const WORD = /^\s*([\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]+)/u; // the same rule as WORD in __init__.py
const SLOWEST_MS = 2000;

// Python counts characters, JavaScript counts UTF-16 units: converted here and nowhere else.
const toCharacters = (text, units) => [...text.slice(0, units)].length;
const toUnits = (text, characters) => [...text].slice(0, characters).join("").length;

// Mid-tones that read on a light and on a dark page.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "#9a5fd0" },
  { tag: [tags.string, tags.special(tags.string)], color: "#2f9159" },
  { tag: [tags.number, tags.bool, tags.null], color: "#c0702a" },
  { tag: tags.comment, color: "#808890", fontStyle: "italic" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], color: "#3b82d6" },
]);

class Ghost extends WidgetType {
  constructor(text) {
    super();
    this.text = text;
  }
  eq(other) {
    return other.text === this.text;
  }
  toDOM() {
    const span = document.createElement("span");
    span.className = "copilot-ghost";
    span.setAttribute("aria-label", "suggestion: " + this.text);
    span.textContent = this.text;
    return span;
  }
}

const setGhost = StateEffect.define();
const fromPython = Annotation.define();

const ghost = StateField.define({
  create: () => "",
  update(text, transaction) {
    for (const effect of transaction.effects) if (effect.is(setGhost)) return effect.value;
    if (!text || !(transaction.docChanged || transaction.selection)) return text;
    const typed = typedAtCaret(transaction);
    return typed && text.startsWith(typed) ? text.slice(typed.length) : "";
  },
  provide: (field) =>
    EditorView.decorations.compute([field, "selection"], (state) => {
      const text = state.field(field);
      const caret = Decoration.widget({ widget: new Ghost(text), side: 1 }).range(state.selection.main.head);
      return text ? Decoration.set([caret]) : Decoration.none;
    }),
});

// What a transaction inserted at the caret, if that is all it did.
function typedAtCaret(transaction) {
  let typed = "";
  let changes = 0;
  const caret = transaction.startState.selection.main;
  transaction.changes.iterChanges((from, to, _newFrom, _newTo, inserted) => {
    changes += 1;
    typed = from === to && from === caret.head && caret.empty ? inserted.toString() : "";
  });
  return changes === 1 ? typed : "";
}

function button(label, title, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.title = title;
  made.addEventListener("mousedown", (event) => event.preventDefault()); // the caret stays where it is
  made.addEventListener("click", onClick);
  return made;
}

function render({ model, el }) {
  let asked = 0; // number of the last request
  let askedFor = null; // the document and caret it was about; null when none is under way
  let again = false; // asked once more before the answer came
  let askedAt = 0;
  const rhythm = debounce();
  let wait = model.get("debounce_ms"); // after the last keystroke
  let timer = null;
  let pushing = false; // setting a value on the model tells our own listeners too

  const now = () => JSON.stringify([view.state.doc.toString(), view.state.selection.main.head]);
  const suggestion = () => view.state.field(ghost);
  const report = (event) => model.send({ kind: "event", event });

  function ask() {
    clearTimeout(timer);
    if (askedFor !== null) {
      again = true;
      return true;
    }
    push();
    asked = Math.max(asked, model.get("answered")) + 1; // another view of this editor may have asked before
    askedFor = now();
    askedAt = performance.now();
    status.textContent = "asking …";
    // The text travels with the request: a change of a trait may wait behind another one, a message does not.
    model.send({ kind: "ask", number: asked, text: model.get("text"), offset: model.get("offset") });
    return true;
  }

  function answered() {
    if (model.get("answered") === asked && askedFor !== null) {
      const fresh = askedFor === now();
      askedFor = null;
      rhythm.answered(performance.now() - askedAt);
      if (fresh) show();
      else push();
      if (again) {
        again = false;
        ask();
      } else if (!fresh) later();
    } else if (model.get("answered") === 0) show();
    status.textContent = model.get("status");
  }

  function show() {
    view.dispatch({ effects: setGhost.of(model.get("suggestion")) });
  }

  function later() {
    clearTimeout(timer);
    if (model.get("automatic")) timer = setTimeout(ask, wait);
  }

  function insert(text, rest) {
    const head = view.state.selection.main.head;
    view.dispatch({
      changes: { from: head, insert: text },
      selection: { anchor: head + text.length },
      effects: setGhost.of(rest),
      userEvent: "input.complete",
    });
    report({ kind: "accepted", text });
    return true;
  }

  const accept = () => suggestion() !== "" && insert(suggestion(), "");

  function acceptWord() {
    const word = WORD.exec(suggestion());
    return word !== null && insert(word[0], suggestion().slice(word[0].length));
  }

  function reject() {
    if (!suggestion()) return false;
    report({ kind: "rejected", text: suggestion() });
    view.dispatch({ effects: setGhost.of("") });
    push();
    return true;
  }

  // Sends what the page holds to Python.
  function push() {
    const text = view.state.doc.toString();
    pushing = true;
    model.set("text", text);
    model.set("offset", toCharacters(text, view.state.selection.main.head));
    model.set("suggestion", suggestion());
    pushing = false;
    model.save_changes();
  }

  // Draws what Python holds.
  function pull() {
    if (pushing) return;
    const text = model.get("text");
    const held = view.state.doc.toString();
    const head = toUnits(text, model.get("offset"));
    if (text === held && head === view.state.selection.main.head) return;
    view.dispatch({
      changes: text === held ? undefined : { from: 0, to: held.length, insert: text },
      selection: { anchor: head },
      effects: setGhost.of(model.get("suggestion")),
      annotations: fromPython.of(true),
      scrollIntoView: true,
    });
  }

  const view = new EditorView({
    state: EditorState.create({
      doc: model.get("text"),
      selection: { anchor: toUnits(model.get("text"), model.get("offset")) },
      extensions: [
        Prec.highest(
          keymap.of([
            { key: "Tab", run: accept },
            { key: "Ctrl-ArrowRight", mac: "Alt-ArrowRight", run: acceptWord },
            { key: "Alt-]", run: ask },
            { key: "Ctrl-i", run: ask },
            { key: "Alt-[", run: reject },
          ]),
        ),
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        indentOnInput(),
        indentUnit.of("    "),
        python(),
        syntaxHighlighting(colours),
        ghost,
        keymap.of([{ key: "Tab", run: indent, shift: indentLess }, ...historyKeymap, ...defaultKeymap]),
        EditorView.contentAttributes.of({ "aria-label": "Python code with suggestions at the caret" }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged && !update.selectionSet) return;
          if (update.transactions.some((transaction) => transaction.annotation(fromPython))) return;
          push();
          if (update.docChanged) wait = rhythm.typed(performance.now(), model.get("debounce_ms"));
          if (update.docChanged && !suggestion()) later();
        }),
      ],
    }),
  });

  function indent(target) {
    if (!target.state.selection.main.empty) return insertTab(target);
    target.dispatch(target.state.replaceSelection("    "), { scrollIntoView: true });
    return true;
  }

  const automatic = document.createElement("input");
  automatic.type = "checkbox";
  automatic.addEventListener("change", () => {
    model.set("automatic", automatic.checked);
    model.save_changes();
    later();
  });
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  slider.max = SLOWEST_MS;
  slider.step = 50;
  slider.setAttribute("aria-label", "at most so many milliseconds without a keystroke before asking");
  const most = document.createElement("output");
  slider.addEventListener("input", () => {
    model.set("debounce_ms", Number(slider.value));
    model.save_changes();
  });
  function settings() {
    automatic.checked = model.get("automatic");
    slider.value = model.get("debounce_ms");
    most.textContent = `≤ ${model.get("debounce_ms")} ms`;
  }
  settings();

  const label = document.createElement("label");
  label.append(automatic, " automatic");
  const pause = document.createElement("label");
  pause.append(slider, " ", most);
  const status = document.createElement("span");
  status.className = "copilot-status";
  status.setAttribute("role", "status");
  status.textContent = model.get("status");
  const bar = document.createElement("div");
  bar.className = "copilot-bar";
  bar.append(
    button("Complete", "Alt-] or Ctrl-i", () => ask()),
    button("Accept", "Tab", () => accept()),
    button("Word", "Ctrl-→ (Mac: Alt-→)", () => acceptWord()),
    button("Reject", "Escape or Alt-[", () => reject()),
    label,
    pause,
    status,
  );

  const root = document.createElement("div");
  root.className = "copilot-editor";
  root.append(view.dom, bar);
  el.append(root);
  if (model.get("suggestion")) show();

  model.on("change:text", pull);
  model.on("change:offset", pull);
  model.on("change:suggestion", () => {
    if (!pushing && askedFor === null && model.get("suggestion") !== suggestion()) show();
  });
  model.on("change:answered", answered);
  model.on("change:status", () => (status.textContent = model.get("status")));
  model.on("change:automatic", settings);
  model.on("change:debounce_ms", settings);

  // The notebook's shortcuts must not see what is typed here.
  for (const kind of ["keydown", "keypress", "keyup", "paste"]) el.addEventListener(kind, (event) => event.stopPropagation());
  // JupyterLab listens on the document before any widget does; the window comes before the document.
  function first(event) {
    if (!el.contains(event.target)) return;
    if ((event.key === "Escape" && reject()) || (event.ctrlKey && event.code === "Space" && ask())) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }
  window.addEventListener("keydown", first, true);
  return () => {
    clearTimeout(timer);
    window.removeEventListener("keydown", first, true);
    view.destroy();
  };
}

export default { render };
