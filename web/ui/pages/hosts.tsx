// Hyper-V hosts and the shares they export to.
import { useState } from 'preact/hooks';
import { call, kAll } from '../api';
import type { Host } from '../generated/api';
import { Empty, IfMay, Loaded, PageHead, When } from '../parts/basics';
import { HostDialog } from '../parts/host_dialog';
import { useRemoval } from '../parts/removal';
import { Shares } from '../parts/shares';
import { Table } from '../parts/table';
import { useResource } from '../resource';
import { goExamine, href } from '../router';
import { text } from '../text';

export function Hosts() {
  const hosts = useResource((signal) => call('listHosts', { query: kAll, signal }), []);
  const shares = useResource((signal) => call('listShares', { query: kAll, signal }), []);
  const [adding, setAdding] = useState(false);
  return (
    <>
      <PageHead title={text.hosts.title}>
        <IfMay to="addHost">
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            {text.hosts.add}
          </button>
        </IfMay>
      </PageHead>
      <Loaded resource={hosts}>
        {(list) =>
          list.hosts.length === 0 ? (
            <Empty title={text.hosts.empty} hint={text.hosts.emptyHint} />
          ) : (
            <HostTable hosts={list.hosts} onChange={hosts.reload} />
          )
        }
      </Loaded>
      <Loaded resource={shares}>
        {(list) => <Shares shares={list.shares} hosts={hosts.data?.hosts ?? []} onChange={shares.reload} />}
      </Loaded>
      {adding && (
        <HostDialog shares={shares.data?.shares ?? []} onClose={() => setAdding(false)} onDone={goExamine} />
      )}
    </>
  );
}

function HostTable({ hosts, onChange }: { hosts: Host[]; onChange: () => void }) {
  const removal = useRemoval<Host>(
    (host) => call('removeHost', { path: { name: host.name } }),
    (host) => ({ title: text.hosts.removeTitle(host.name), note: text.hosts.removeNote, action: text.hosts.removeAction }),
    onChange,
  );
  return (
    <>
      <Table
        label={text.hosts.title}
        rows={hosts}
        rowKey={(host) => host.name}
        columns={[
          {
            title: text.hosts.name,
            kind: 'main',
            cell: (host) => (
              <>
                <a href={href('hosts', host.name)}>
                  <strong>{host.name}</strong>
                </a>
                {host.last_error && <span class="row-note bad-text">{host.last_error.message}</span>}
              </>
            ),
          },
          { title: text.hosts.url, cell: (host) => <code class="address">{host.url}</code> },
          { title: text.hosts.auth, cell: (host) => (host.user ? `${text.hosts.auths[host.auth]}, ${host.user}` : text.hosts.auths[host.auth]) },
          { title: text.hosts.share, cell: (host) => host.share ?? text.hosts.shareDefault },
          { title: text.hosts.vms, kind: 'number', cell: (host) => host.vm_count ?? '–' },
          {
            title: text.hosts.contact,
            cell: (host) =>
              host.last_contact ? <When time={host.last_contact} relative /> : <span class="muted">{text.hosts.never}</span>,
          },
          {
            title: text.vms.actions,
            kind: 'actions',
            cell: (host) => (
              <IfMay to="removeHost">
                <button type="button" onClick={() => removal.ask(host)} aria-label={text.hosts.removeTitle(host.name)}>
                  {text.hosts.remove}
                </button>
              </IfMay>
            ),
          },
        ]}
      />
      {removal.dialog}
    </>
  );
}
