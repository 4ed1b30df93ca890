// Every text stands in ui/text.ts, so that a translation is one file: none in the elements, none in what is read out or shown beside
// them, and the way of writing numbers and dates neither.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const kRoot = fileURLToPath(new URL('../ui/', import.meta.url));
const kSaid = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'hint', 'note', 'action', 'summary']);
const kWord = /\p{L}{2}/u;

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'generated' ? [] : filesBelow(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

/// The words of a source that somebody would have to translate there.
export function wordsOf(name, content) {
  const source = ts.createSourceFile(name, content, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found = [];
  const note = (node, words) => kWord.test(words) && found.push(`${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${words.trim()}`);
  const textsIn = (node) => {
    if (ts.isStringLiteralLike(node)) note(node, node.text);
    else if (ts.isTemplateExpression(node)) [node.head, ...node.templateSpans.map((span) => span.literal)].forEach((part) => note(part, part.text));
    else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(textsIn);
    else if (ts.isBinaryExpression(node) && ts.isStringLiteralLike(node.right)) textsIn(node.right);
  };
  const visit = (node) => {
    if (ts.isJsxText(node)) note(node, node.text);
    if (ts.isJsxExpression(node) && node.expression && ts.isJsxElement(node.parent)) textsIn(node.expression);
    if (ts.isJsxAttribute(node) && kSaid.has(node.name.getText()) && node.initializer)
      textsIn(ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('texts: none stands outside of text.ts', () => {
  const files = filesBelow(kRoot).filter((path) => !path.endsWith('/text.ts'));
  assert.ok(files.length > 40, 'the files were found');
  assert.deepEqual(files.flatMap((path) => wordsOf(path.slice(kRoot.length), readFileSync(path, 'utf8'))), []);
  const localised = files.filter((path) => /['"`][a-z]{2}-[A-Z]{2}['"`]/.test(readFileSync(path, 'utf8')));
  assert.deepEqual(localised, []);
});

test('texts: the search for them finds each kind', () => {
  for (const source of ['<p>Hello</p>', '<p>{a ? `of ${b}` : "none"}</p>', '<a title="Open it">{x}</a>', '<T label={x || "Name"} />'])
    assert.equal(wordsOf('x.tsx', `const e = ${source};`).length > 0, true, source);
  for (const source of ['<p class="muted">{text.a} · {n}</p>', '<p>{format.bytes(n)} B</p>', '<a href="#/vms">–</a>', '<T kind="main" title={text.x} />'])
    assert.deepEqual(wordsOf('x.tsx', `const e = ${source};`), [], source);
});
