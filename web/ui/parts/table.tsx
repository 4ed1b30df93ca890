// A table that turns into cards on a narrow screen, and shows a long list piece by piece.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { text } from '../text';

export type Column<T> = {
  title: string;
  cell: (row: T) => ComponentChildren;
  kind?: 'number' | 'actions' | 'main' | 'short' | 'pick';
};

const kRowsAtOnce = 200;

type Properties<T> = {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  /// What stands below a row while it is unfolded.
  detail?: (row: T) => ComponentChildren | null;
  /// The rows come by pages already: all are shown.
  isWhole?: boolean;
};

export function Table<T>({ label, columns, rows, rowKey, detail, isWhole = false }: Properties<T>) {
  const [asked, setShown] = useState(kRowsAtOnce);
  const shown = isWhole ? rows.length : asked;
  const left = rows.length - shown;
  // The roles stand here in words since a table drawn as cards loses them otherwise.
  return (
    <>
      <table role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.title} role="columnheader" scope="col" class={column.kind ?? ''}>
                {column.kind === 'actions' || column.kind === 'pick' ? <span class="visually-hidden">{column.title}</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.slice(0, shown).map((row) => (
            <Row key={rowKey(row)} row={row} columns={columns} detail={detail?.(row) ?? null} />
          ))}
        </tbody>
      </table>
      {left > 0 && (
        <p class="actions">
          <button type="button" onClick={() => setShown(shown + kRowsAtOnce)}>
            {text.common.more(Math.min(left, kRowsAtOnce))}
          </button>
          <span class="muted">{text.common.showing(shown, rows.length)}</span>
        </p>
      )}
    </>
  );
}

function Row<T>({ row, columns, detail }: { row: T; columns: Column<T>[]; detail: ComponentChildren | null }) {
  return (
    <>
      <tr role="row" class={detail ? 'unfolded' : ''}>
        {columns.map((column) => (
          <td key={column.title} role="cell" class={column.kind ?? ''} data-label={column.title}>
            {column.cell(row)}
          </td>
        ))}
      </tr>
      {detail && (
        <tr role="row" class="detail">
          <td role="cell" colSpan={columns.length}>
            {detail}
          </td>
        </tr>
      )}
    </>
  );
}
