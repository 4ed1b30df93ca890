// One host: what the doctor says about it, and, asked now, its machines with disks, checkpoints, and why a disk cannot be backed up.
import { useState } from 'preact/hooks';
import { call, kAll, loadHostVms } from '../api';
import * as format from '../format';
import type { Checkpoint, Host, LiveVm } from '../generated/api';
import { Badge, Empty, IfMay, Loaded, PageHead, ProblemBox, When } from '../parts/basics';
import { BackupDialog } from '../parts/backup_dialog';
import { DoctorSection } from '../parts/doctor';
import { HostDialog } from '../parts/host_dialog';
import { Table } from '../parts/table';
import { useResource } from '../resource';
import { goExamine, href, vmHref } from '../router';
import { text } from '../text';
import { DiskState } from './vm';

/// `examines`: it was just added or changed. Then the doctor comes first: a login that does not work is tried once, not twice.
export function HostPage({ name, examines }: { name: string; examines: boolean }) {
  const host = useResource((signal) => call('getHost', { path: { name }, signal }), [name]);
  const [asks, setAsks] = useState(!examines);
  const inventory = useResource(
    (signal) => (asks ? loadHostVms(name, signal) : Promise.resolve(null)),
    [name, asks],
  );
  const [target, setTarget] = useState<LiveVm | null>(null);
  const [changing, setChanging] = useState(false);
  // Jobs name their host by id.
  const known = host.data?.name ?? name;
  return (
    <>
      <PageHead title={known} above={<a href={href('hosts')}>{text.hosts.title}</a>}>
        {host.data && (
          <IfMay to="changeHost">
            <button type="button" onClick={() => setChanging(true)}>
              {text.hosts.change}
            </button>
          </IfMay>
        )}
        {asks && (
          <button type="button" onClick={inventory.reload}>
            {text.hosts.again}
          </button>
        )}
      </PageHead>
      <p class="summary">
        {host.data && <code>{host.data.url}</code>}
        {inventory.data && (
          <>
            <span>{inventory.data.host.os}</span>
            <span class="muted">{text.hosts.build(inventory.data.host.os_build)}</span>
          </>
        )}
      </p>
      <ProblemBox problem={host.problem} />
      <DoctorSection host={name} startsAtOnce={examines} onExamined={(report) => report.failed === 0 && setAsks(true)} />
      <h2>{text.hosts.inventory}</h2>
      {!asks ? (
        <p class="muted">
          {text.hosts.askLater}{' '}
          <button type="button" onClick={() => setAsks(true)}>
            {text.hosts.askNow}
          </button>
        </p>
      ) : !inventory.data && !inventory.problem ? (
        <p class="muted loading" role="status">
          {text.hosts.asking}
        </p>
      ) : (
        <Loaded resource={inventory}>
          {(live) =>
            live === null ? null : live.vms.length === 0 ? (
              <Empty title={text.hosts.noVms} />
            ) : (
              <Table
                label={text.hosts.inventory}
                rows={live.vms}
                rowKey={(vm) => vm.id}
                columns={[
                  { title: text.vms.name, kind: 'main', cell: (vm) => <MachineName vm={vm} host={known} /> },
                  { title: text.vms.state, cell: (vm) => text.vmStates[vm.state] ?? vm.state },
                  { title: text.hosts.disks, cell: (vm) => <Disks vm={vm} /> },
                  { title: text.hosts.checkpoints, cell: (vm) => <Checkpoints checkpoints={vm.checkpoints} /> },
                  {
                    title: text.vms.actions,
                    kind: 'actions',
                    cell: (vm) => (
                      <IfMay to="startBackups">
                        <button type="button" onClick={() => setTarget(vm)} aria-label={text.backup.title(vm.name)}>
                          {text.vms.backUp}
                        </button>
                      </IfMay>
                    ),
                  },
                ]}
              />
            )
          }
        </Loaded>
      )}
      {changing && host.data && <ChangeHost host={host.data} onClose={() => setChanging(false)} onChanged={host.reload} />}
      {target && <BackupDialog target={{ ...target, host: known }} onClose={() => setTarget(null)} />}
    </>
  );
}

function ChangeHost({ host, onClose, onChanged }: { host: Host; onClose: () => void; onChanged: () => void }) {
  const shares = useResource((signal) => call('listShares', { query: kAll, signal }), []);
  const done = (name: string) => {
    onChanged();
    goExamine(name);
  };
  return shares.data && <HostDialog host={host} shares={shares.data.shares} onClose={onClose} onDone={done} />;
}

function MachineName({ vm, host }: { vm: LiveVm; host: string }) {
  return (
    <>
      <a href={vmHref({ id: vm.id, host })}>
        <strong>{vm.name}</strong>
      </a>
      <span class="row-note">
        {[
          text.hosts.generation(vm.generation),
          text.hosts.version(vm.version),
          ...(vm.has_tpm ? [text.hosts.tpm] : []),
          ...(vm.replication === 'none' ? [] : [text.hosts.replication(vm.replication)]),
          ...(vm.owner_node ? [text.hosts.onNode(vm.owner_node)] : []),
        ].join(', ')}
      </span>
      {vm.notes && <span class="row-note">{vm.notes}</span>}
      {vm.state === 'running' && vm.integration_services.some((service) => service.name === 'backup' && !service.working) && (
        <span class="row-note">{text.hosts.noGuestBackup}</span>
      )}
      {vm.problems.map((problem) => (
        <span key={problem} class="row-note bad-text">
          {problem}
        </span>
      ))}
    </>
  );
}

function Disks({ vm }: { vm: LiveVm }) {
  return (
    <ul class="plain">
      {vm.disks.map((disk) => (
        <li key={disk.id}>
          {disk.name}
          {disk.size_bytes > 0 && <span class="muted"> {format.bytes(disk.size_bytes)}</span>}
          {(disk.cannot_back_up || disk.excluded) && (
            <>
              {' '}
              <DiskState disk={disk} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

function Checkpoints({ checkpoints }: { checkpoints: Checkpoint[] }) {
  if (checkpoints.length === 0) return <span class="muted">{text.hosts.noCheckpoints}</span>;
  return (
    <ul class="plain">
      {checkpoints.map((checkpoint) => (
        <li key={checkpoint.id}>
          {checkpoint.name}{' '}
          <span class="muted">
            <When time={checkpoint.created} />
          </span>
          {checkpoint.kind === 'recovery' && (
            <>
              {' '}
              <Badge tone="warning">{checkpoint.is_ours ? text.hosts.recoveryOurs : text.hosts.recoveryForeign}</Badge>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
