// The audit log: a page of it with filters, whether it is what was written, and all of it as a file.
import { useState } from 'preact/hooks';
import { addressOf, call } from '../api';
import type { AuditCheck, AuditEntry } from '../generated/api';
import { Badge, Empty, PageHead, ProblemBox, When, type Tone } from '../parts/basics';
import { TextField } from '../parts/forms';
import { AllowedPage } from '../parts/not_allowed';
import { Paged } from '../parts/paged';
import { Table } from '../parts/table';
import { useAction, usePages } from '../resource';
import { text } from '../text';

const kTones: Record<AuditEntry['result'], Tone> = { asked: 'quiet', done: 'good', refused: 'bad', failed: 'warning' };

export function AuditPage() {
  return (
    <AllowedPage to="listAudit" what={text.audit.notAllowed} title={text.audit.title}>
      <Log />
    </AllowedPage>
  );
}

function Log() {
  const [wanted, setWanted] = useState({ user: '', action: '', from: '', to: '' });
  const [filter, setFilter] = useState(wanted);
  const entries = usePages(
    async (cursor, signal) => {
      const query = { cursor, ...(filter.user && { user: filter.user }), ...(filter.action && { action: filter.action }), ...spanOf(filter) };
      const page = await call('listAudit', { query, signal });
      return { rows: page.entries, next: page.next_cursor };
    },
    [filter],
  );
  const [check, setCheck] = useState<AuditCheck | null>(null);
  const verify = useAction(async () => {
    setCheck(null);
    setCheck(await call('verifyAudit', { body: {} }));
  });
  return (
    <>
      <PageHead title={text.audit.title}>
        <button type="button" disabled={verify.busy} onClick={() => void verify.run()}>
          {text.audit.verify}
        </button>
        <a class="button" href={addressOf('exportAudit', { query: spanOf(filter) })} download="entrepot-audit.jsonl">
          {text.audit.export}
        </a>
      </PageHead>
      <p class="muted">{text.audit.note}</p>
      <ProblemBox problem={verify.problem} />
      {check && <CheckResult check={check} />}
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setFilter(wanted);
        }}
      >
        <TextField
          label={text.audit.filterUser}
          type="search"
          value={wanted.user}
          onChange={(user) => setWanted({ ...wanted, user })}
        />
        <TextField
          label={text.audit.filterAction}
          type="search"
          value={wanted.action}
          onChange={(action) => setWanted({ ...wanted, action })}
        />
        <TextField label={text.audit.filterFrom} type="date" isFilter value={wanted.from} onChange={(from) => setWanted({ ...wanted, from })} />
        <TextField label={text.audit.filterTo} type="date" isFilter value={wanted.to} onChange={(to) => setWanted({ ...wanted, to })} />
        <button type="submit">{text.audit.show}</button>
      </form>
      <Paged pages={entries}>{(rows) => (rows.length === 0 ? <Empty title={text.audit.empty} /> : <Entries rows={rows} />)}</Paged>
    </>
  );
}

/// From the begin of one day to the end of another, in the reader's time zone.
function spanOf({ from, to }: { from: string; to: string }): { since?: string; until?: string } {
  const begin = new Date(`${from}T00:00`);
  const end = new Date(`${to}T00:00`);
  end.setDate(end.getDate() + 1);
  return { ...(from && { since: begin.toISOString() }), ...(to && { until: end.toISOString() }) };
}

function CheckResult({ check }: { check: AuditCheck }) {
  return (
    <div class={`notice ${check.is_sound ? 'good' : 'bad'}`} role="status">
      <p>
        <strong>{check.is_sound ? text.audit.sound(check.entries) : text.audit.unsound(check.reason ?? '')}</strong>
      </p>
      <p>{check.is_sound ? text.audit.digest : text.audit.unsoundNote}</p>
      {check.is_sound && check.digest && (
        <p>
          <code>{check.digest}</code>
        </p>
      )}
    </div>
  );
}

function Entries({ rows }: { rows: AuditEntry[] }) {
  return (
    <Table
      label={text.audit.title}
      rows={rows}
      isWhole
      rowKey={(entry) => String(entry.number)}
      columns={[
        {
          title: text.audit.user,
          kind: 'main',
          cell: (entry) => (
            <>
              <strong>{entry.user || '–'}</strong>
              <span class="row-note">
                {text.audit.via[entry.via]}
                {entry.address && ` ${text.audit.from(entry.address)}`}
              </span>
            </>
          ),
        },
        { title: text.audit.time, kind: 'short', cell: (entry) => <When time={entry.time} /> },
        { title: text.audit.action, kind: 'short', cell: (entry) => <code class="unbroken">{entry.action}</code> },
        {
          title: text.audit.object,
          cell: (entry) => (
            <>
              <span class="anywhere">{entry.object || (Object.keys(entry.details).length === 0 && '–')}</span>
              <span class="row-note">{detailsOf(entry)}</span>
            </>
          ),
        },
        { title: text.audit.result, cell: (entry) => <Badge tone={kTones[entry.result]}>{text.audit.results[entry.result]}</Badge> },
        { title: text.audit.number, kind: 'number', cell: (entry) => entry.number },
      ]}
    />
  );
}

function detailsOf(entry: AuditEntry): string {
  return Object.entries(entry.details)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(', ');
}
