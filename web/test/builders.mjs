// Builders for what the stand-in appliance knows: machines, disks, recovery points, jobs.
const kMiB = 1024 ** 2;
export const kGiB = 1024 ** 3;

export function ago(minutes) {
  return new Date(Date.now() - minutes * 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
}

export const hex = (seed, length) =>
  Array.from({ length }, (_, index) => ((seed * 7919 + index * 104729 + ((index * seed) % 97)) % 16).toString(16)).join('');
export const guid = (seed) =>
  `${hex(seed, 8)}-${hex(seed + 1, 4)}-4${hex(seed + 2, 3)}-8${hex(seed + 3, 3)}-${hex(seed + 4, 12)}`.toUpperCase();

export const hostId = (host) => (host ? `00000000-0000-4000-8000-0000000000${host.slice(-2)}` : '');

export function makeJob(id, fields) {
  return {
    id,
    kind: 'backup',
    subject: 'web01 on hv01',
    state: 'done',
    stage: 'tidy',
    waiting_for: null,
    done_bytes: 3 * kGiB,
    total_bytes: 3 * kGiB,
    requested_by: 'policy nightly',
    created: ago(600),
    started: ago(600),
    ended: ago(590),
    parameters: {},
    result: {},
    error: null,
    events: [],
    ...fields,
  };
}

export function makeShare(fields = {}) {
  return {
    name: 'exports',
    unc: '\\\\appliance\\exports',
    path: '/srv/exports',
    managed: false,
    listen: null,
    free_bytes: 780 * kGiB,
    server: null,
    accounts: [],
    ...fields,
  };
}

export function makeShareAccount(host, account, fields = {}) {
  return {
    host,
    host_id: hostId(host),
    account,
    computer: null,
    has_password: true,
    password_made: ago(41_000),
    quota_bytes: null,
    used_bytes: 0,
    ...fields,
  };
}

export const makeShareServer = (fields = {}) => ({
  state: 'running',
  since: ago(3_000),
  message: null,
  hint: null,
  restarts: 0,
  log: ['[2026/03/01 12:00:00, 0] smbd version 4.17.12-Debian started.'],
  ...fields,
});

export const kFailure = {
  code: 'host_failure',
  message: 'The host could not write to \\\\appliance\\exports: error 0x80070005, access denied',
  hint: 'Give the computer account HV02$ the right to change files on the share, then try again: entrepot host doctor hv02',
  context: ['exporting VM sql01', 'backing up sql01 on hv02'],
};

export function makeDisk(seed, index, name, fields = {}) {
  return {
    id: guid(seed * 31 + index).toLowerCase(),
    index,
    name,
    path: `D:\\VMs\\${name}`,
    controller: `scsi 0:${index}`,
    size_bytes: 60 * kGiB,
    cannot_back_up: '',
    excluded: '',
    ...fields,
  };
}

export function makePoint(seed, vm, minutes, kind, fields = {}) {
  const changed = kind === 'full' ? 22 * kGiB : (150 + (seed % 700)) * kMiB;
  return {
    id: hex(seed, 32),
    sequence: 100_000 - seed,
    vm: { id: vm.id, name: vm.name, host: vm.host, host_id: hostId(vm.host) },
    time: ago(minutes),
    kind,
    reason: kind === 'full' ? 'the first point of this machine' : "changes since the newest point, by the host's change tracking",
    consistency: 'application',
    base_point: kind === 'full' ? null : hex(seed + 1, 32),
    disks: [
      {
        id: guid(seed).toLowerCase(),
        index: 0,
        name: `${vm.name}.vhdx`,
        virtual_size_bytes: 60 * kGiB,
        logical_sector_size: 512,
        changed_bytes: changed,
        new_stored_bytes: Math.round(changed * 0.31),
        root: hex(seed, 64),
        sha256: null,
      },
    ],
    skipped: [],
    logical_bytes: 22 * kGiB,
    unique_bytes: Math.round(changed * 0.31),
    protected_until: null,
    hold_reason: null,
    verified: { time: ago(minutes - 5 > 0 ? minutes - 5 : 1), result: 'sound', depth: 'data' },
    has_known_damage: false,
    comparison: null,
    ...fields,
  };
}

function check(id, result, cause, evidence, cure = '', command = '') {
  return { id, layer: id.split('.')[0], result, cause, evidence, cure, command };
}

/// What the doctor says of a host that mostly works.
export function makeReport(host) {
  const checks = [
    check('name.known', 'ok', "The host's name is known.", `${host}.example.com is 10.0.0.11`),
    check('port.open', 'ok', 'The port is open.', '10.0.0.11 port 5986: open'),
    check(
      'tls.expires-soon',
      'warning',
      "The host's certificate expires soon.",
      `CN=${host} for ${host}.example.com, by CN=Example CA, valid to 2026-12-09T00:00:00Z, SHA-256 ${hex(5, 64)}`,
      'Renew it before, and bind the new one to the listener. On the host:',
      'Get-ChildItem Cert:\\LocalMachine\\My | Select-Object Subject, NotAfter, Thumbprint',
    ),
    check('auth.accepted', 'ok', 'The host accepts the account.', `as ${host.toUpperCase()}\\backup, by ntlm; OS: 10.0.20348`),
    check(
      'share.smb-closed',
      'failed',
      "No file server listens at the share's name.",
      '10.0.0.5 port 445: refused (Connection refused)',
      'Start Samba, and let the host in at port 445. On this machine:',
      'systemctl status smbd; ss -tln sport = :445',
    ),
    check(
      'share.identity-unproven',
      'unproven',
      'With which account the host writes to the share, and whether it may, only a first full shows.',
      '\\\\appliance\\exports',
      'Back up a small VM. The host writes as its computer account; a workgroup host needs a mapping with an account of the share. On the host, in an elevated PowerShell:',
      "New-SmbGlobalMapping -RemotePath '\\\\appliance\\exports' -Credential (Get-Credential) -Persistent $true",
    ),
    check('residue.skipped', 'skipped', 'Not looked at, because of share.smb-closed.', '', 'Mend share.smb-closed first, then ask again.'),
  ];
  return { host, time: ago(12), job: 'job-doctor', failed: 1, warnings: 1, unproven: 1, checks };
}

/// A full that disagrees with the increments before it.
export function makeComparison(disk, suspects) {
  return {
    result: 'disagrees',
    reason: '',
    base_point: suspects[0].id,
    disks: [
      {
        index: disk.index,
        id: disk.id,
        name: disk.name,
        result: 'disagrees',
        reason: '',
        compared_bytes: disk.virtual_size_bytes,
        disagreeing_bytes: 30 * 65536,
        discarded_bytes: 0,
        ranges: Array.from({ length: 24 }, (_, index) => ({ offset: index * 1048576, length: 65536 })),
        range_count: 30,
      },
    ],
    suspect_points: suspects.map((point) => point.id),
    suspect_point_count: suspects.length,
  };
}

/// How the repository grew, with a clean-up in the middle.
export function makeGrowth(days, fields = {}) {
  const capacity = 4096 * kGiB;
  const samples = Array.from({ length: days }, (_, index) => {
    const stored = Math.round((120 + (148 * index) / days - (index > days / 2 ? 14 : 0)) * kGiB);
    const time = ago((days - 1 - index) * 1440 + 5);
    return { time, stored_bytes: stored, logical_bytes: stored * 18, points: 20 + index * 2, free_bytes: capacity - stored, capacity_bytes: capacity };
  });
  const isKnown = days > 3;
  return {
    samples,
    bytes_per_day: isKnown ? Math.round(1.7 * kGiB) : null,
    full_at: isKnown ? ago(-1440 * 820) : null,
    based_on_days: Math.min(30, days),
    reason: isKnown ? null : 'a forecast needs 3 days of record, and there are 0',
    ...fields,
  };
}

export function makeVm(seed, name, host, points, job, fields = {}) {
  const newest = points[0];
  return {
    id: guid(seed),
    name,
    host,
    host_id: hostId(host),
    state: 'running',
    disks: [makeDisk(seed, 0, `${name}.vhdx`)],
    last_point: newest
      ? {
          id: newest.id,
          time: newest.time,
          kind: newest.kind,
          consistency: newest.consistency,
          verified: newest.verified,
          has_known_damage: newest.has_known_damage,
        }
      : null,
    last_job: job
      ? { id: job.id, kind: job.kind, state: job.state, created: job.created, ended: job.ended, error: job.error }
      : null,
    protected: true,
    policies: ['nightly'],
    next_run: ago(-300),
    newest_point_time: newest?.time ?? null,
    points: points.length,
    late: null,
    last_restore: null,
    residue: [],
    problems: [],
    ...fields,
  };
}


export function makeWarning(id, severity, text, fields = {}) {
  return { id, severity, text, hint: 'Put a new one and its key into /var/lib/entrepot/tls.', job: null, ...fields };
}
