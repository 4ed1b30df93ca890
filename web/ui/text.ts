// Every text of the console, in one place for translation.
export const text = {
  product: 'Entrepot',
  time: {
    minutes: (n: number) => `${n} min`, hours: (n: number) => `${n} h`, days: (n: number) => (n === 1 ? '1 day' : `${n} days`),
    ago: (amount: string) => `${amount} ago`, ahead: (amount: string) => `in ${amount}`,
    justNow: 'just now', soon: 'in a moment', never: 'never', utc: (time: string) => `${time} (UTC)`,
  },
  nav: {
    label: 'Main', menu: 'Menu', skip: 'Skip to content', overview: 'Overview', vms: 'Virtual machines', restore: 'Restore', jobs: 'Jobs',
    policies: 'Policies', hosts: 'Hosts', repository: 'Repository', logOut: 'Log out',
  },
  common: {
    loading: 'Loading …', cancel: 'Cancel', close: 'Close', add: 'Add', remove: 'Remove', yes: 'Yes', none: 'none', unknown: 'unknown', more: (n: number) => `Show ${n} more`,
    filter: 'Filter by name', noMatch: 'Nothing matches.', clear: 'Clear the filter', retryLoad: 'Try again', details: 'Details', hint: 'What to do', context: 'While',
    notFound: 'There is no such page.', optional: 'optional', offline: 'Live updates are interrupted. Trying to reach the appliance again …',
    locked: 'The repository is locked: nothing can be backed up or restored. Start entrepotd with --passphrase-file, or give it the passphrase as a systemd credential.',
    refused: 'The appliance refused', copied: 'Copied', copy: 'Copy', of: (a: string, b: string) => `${a} of ${b}`, showing: (a: number, b: number) => `${a} of ${b}`,
  },
  login: {
    title: 'Log in', intro: 'When entrepotd starts it prints a one-time link. Open that link, or paste it here.', label: 'Link or token', action: 'Log in',
    hint: 'The link works once. If it was used already, restart entrepotd to get a new one; it stands in its output or in journalctl -u entrepotd.',
    missing: 'This holds no token. Paste the whole link: https://…/#token=…', working: 'Logging in …',
  },
  overview: {
    title: 'Overview', good: (n: number) => (n === 1 ? 'The one virtual machine is protected' : `All ${n} virtual machines are protected`), goodNote: 'Every machine has a policy and a recent recovery point, and no job failed.',
    attention: (n: number) => (n === 1 ? '1 thing needs attention' : `${n} things need attention`), unprotected: (n: number) => (n === 1 ? '1 machine has no policy' : `${n} machines have no policy`),
    unprotectedNote: 'Nothing backs them up by itself.', addPolicy: 'Add a policy', showThem: 'Show them', failed: (kind: string, subject: string) => `${kind} failed: ${subject}`, openJob: 'Open the job',
    moreProblems: (n: number) => `and ${n} more`, problemOn: (vm: string) => vm, openVm: 'Open', spaceLow: 'The repository is almost full', spaceNote: (free: string) => `${free} are left on its file system.`, openRepository: 'Repository',
    running: 'Running now', newest: 'Newest recovery points', week: 'Backups of the last seven days', space: 'Space', day: (date: string, done: number, failed: number) => `${date}: ${done} done, ${failed} failed`, done: 'done', failedShort: 'failed',
    stored: 'stored', protects: 'of guest data', saved: 'reduction', free: 'free', noneYet: 'none',
    setup: 'Four steps to the first backup', stepShare: 'Add the share that hosts export to', stepShareNote: 'An SMB folder that the host writes to and the appliance reads.', stepHost: 'Add a Hyper-V host', stepHostNote: 'Its WinRM address and an account that may back up.',
    stepBackup: 'Back up a machine', stepBackupNote: 'The first backup is a full one; it also proves the rights on the share.', stepPolicy: 'Add a policy', stepPolicyNote: 'Which machines, when, and how long to keep.', doneStep: 'Done', go: 'Go',
  },
  vms: {
    title: 'Virtual machines', name: 'Machine', host: 'Host', state: 'State', policy: 'Protection', lastPoint: 'Newest point', lastJob: 'Last job', points: 'Points', actions: 'Actions', notProtected: 'Not protected', noPoint: 'no point yet',
    backUp: 'Back up now', backUpAll: 'Back up all …', all: 'All', attention: 'Needs attention', unprotected: 'Not protected', show: 'Show', empty: 'No virtual machines are known yet.', emptyHint: 'Add a host; its machines appear here after the first contact.', addHost: 'Add a host', ingested: 'from files',
    nextRun: (when: string) => `next run ${when}`, running: 'Backing up',
  },
  backup: {
    title: (vm: string) => `Back up ${vm}`, titleAll: 'Back up all machines', consistency: 'Consistency', prefer: 'Application if possible, else crash', application: 'Application: fail if the guest cannot', crash: 'Crash: as if the power went',
    kind: 'Amount', incremental: 'What changed since the last point', incrementalHint: 'A full is taken by itself where that is not possible, and the reason is kept.', full: 'Everything again', fullHint: 'Reads whole disks; equal data is not stored twice.', start: 'Start the backup',
  },
  vm: {
    disks: 'Disks', recovery: 'Recovery points', noPoints: 'No recovery point yet.', noPointsHint: 'Back it up now; the first one is a full.', disk: 'Disk', size: 'Size', backedUp: 'Backed up', yes: 'yes', cannot: (why: string) => `Cannot: ${why}`, excluded: (why: string) => `Left out: ${why}`,
    exclude: 'Leave out …', include: 'Take in again', excludeTitle: (disk: string) => `Leave out ${disk}`, excludeReason: 'Why', excludeNote: 'The reason is shown with every recovery point that lacks this disk.', protectedBy: (names: string) => `Protected by ${names}`, onHost: (host: string) => `on ${host}`, problems: 'Needs attention', noDisks: 'The disks are not known yet.',
  },
  point: {
    title: 'Recovery point', time: 'Time', kind: 'Kind and reason', consistency: 'Consistency', changed: 'Changed', stored: 'Stored', verified: 'Verified', full: 'full', incremental: 'incremental', kept: 'Kept', never: 'not yet', sound: 'sound', damaged: 'damaged', old: (when: string) => `sound, ${when}`,
    protectedUntil: (when: string) => `protected until ${when}`, hold: (why: string) => `on hold: ${why}`, skipped: 'Not in this point', nothingSkipped: 'All disks are in this point.', base: 'Built on', id: 'Id', restore: 'Restore a disk', verify: 'Verify', protect: 'Protect …', holdAction: 'Hold …', release: 'Release the hold', remove: 'Delete …',
    removeTitle: 'Delete this recovery point?', removeNote: (when: string, vm: string) => `${vm} as of ${when} cannot be restored afterwards. Other points are not touched.`, removeAction: 'Delete it', protectTitle: 'Protect this point', protectUntil: 'Until', protectNote: 'Until then nobody can delete it, and the date can only be made later.', protectAction: 'Protect it',
    holdTitle: 'Hold this point', holdReason: 'Reason', holdNote: 'It is kept until somebody releases it.', holdActionDo: 'Hold it', unknownConsistency: 'unknown', application: 'application', crash: 'crash', openDetails: (when: string) => `Details of ${when}`, sha: 'SHA-256', damage: 'Known damage: parts of this point cannot be read.', moreActions: 'More', depthNote: 'Reads and compares every chunk of this point.',
  },
  jobs: {
    title: 'Jobs', job: 'Job', subject: 'Subject', state: 'State', progress: 'Progress', started: 'Started', took: 'Took', by: 'Asked by', allStates: 'All states', allKinds: 'All kinds', stateLabel: 'State', kindLabel: 'Kind', empty: 'No job has run yet.', emptyHint: 'Back up a machine, and it appears here.', older: 'Show older jobs',
    states: { queued: 'queued', running: 'running', done: 'done', partly: 'partly done', failed: 'failed', cancelled: 'cancelled', interrupted: 'interrupted' },
    kinds: { backup: 'Backup', ingest: 'Ingest', restore_disk: 'Disk restore', verify: 'Verification', prune: 'Prune', gc: 'Space reclaim', catalog_rebuild: 'Catalog rebuild', catalog_check: 'Catalog check', policy: 'Policy' } as Record<string, string>,
    rate: (rate: string) => `${rate}/s`, remaining: (time: string) => `${time} left`, waiting: 'Waiting for its turn', cancel: 'Cancel', cancelAsked: 'Cancelling …', retry: 'Try again', log: 'Log', noLog: 'Nothing was written down yet.', parameters: 'Asked for', result: 'Result', failedIn: (step: string) => `Failed in the step "${step}"`, failedPlain: 'Failed',
    interrupted: 'The appliance stopped while this ran and could not go on. What it had made on the host is cleaned up at the next start.', cancelTitle: 'Cancel this job?', cancelNote: 'What it made so far is undone, on the host too.', steps: 'Steps', bytesOf: (done: string, total: string) => `${done} of ${total}`, kept: (n: number) => `${n} kept`, removed: (n: number) => `${n} removed`, freed: (size: string) => `${size} freed`, dryRun: 'trial run, nothing was changed',
    levels: { stage: 'step', note: 'note', warning: 'warning', error: 'error' }, openPoint: 'Open the recovery point', damage: 'Damage', sound: 'No damage was found.', restored: (path: string) => `Written to ${path}`,
  },
  policies: {
    title: 'Policies', empty: 'No policy yet: nothing is backed up by itself.', emptyHint: 'A policy says which machines, when, and how long to keep.', add: 'Add a policy', name: 'Name', vms: 'Machines', calendar: 'When', keep: 'Keep', next: 'Next runs', last: 'Last run', run: 'Run now', remove: 'Remove …', matching: (n: number) => (n === 1 ? '1 machine' : `${n} machines`),
    removeTitle: (name: string) => `Remove the policy ${name}?`, removeNote: 'Its recovery points stay; nothing makes new ones or removes old ones.', removeAction: 'Remove it', patterns: 'Machines', patternsHint: 'Names with * and ?, one per line. HOST/NAME picks one host.', preview: 'Matches now', previewNone: 'No known machine matches.', previewMore: (n: number) => `and ${n} more`,
    calendarHint: 'systemd calendar: *-*-* 22:00, Mon..Fri 18:30, hourly', presets: 'Common', nightly: 'Nightly', weekdays: 'Weekdays', hourly: 'Hourly', weekly: 'Weekly', nextRuns: (zone: string) => `Next runs (appliance in ${zone})`, consistency: 'Consistency', retention: 'Keep', retentionHint: 'At least one above zero. A machine\'s newest good point is never removed.',
    keepNames: { keep_last: 'last', keep_hourly: 'hourly', keep_daily: 'daily', keep_weekly: 'weekly', keep_monthly: 'monthly', keep_yearly: 'yearly' }, save: 'Add the policy', needRetention: 'Say how many points to keep: at least one number above zero.', started: (n: number) => (n === 1 ? '1 job started' : `${n} jobs started`), showJobs: 'Show the jobs', noJobs: 'No machine matches: nothing was started.',
  },
  hosts: {
    title: 'Hosts', empty: 'No host yet.', emptyHint: 'Add the Hyper-V server whose machines you want to protect.', add: 'Add a host', name: 'Name', url: 'Address', auth: 'Login', vms: 'Machines', contact: 'Last contact', never: 'not yet', remove: 'Remove …', removeTitle: (name: string) => `Remove the host ${name}?`, removeNote: 'Its recovery points stay and can be restored.', removeAction: 'Remove it',
    urlHint: 'https://HOST:5986/wsman', user: 'User', userHint: 'DOMAIN\\user or HOST\\user', password: 'Password', trust: 'Certificate', trustSystem: 'Signed by an authority that this system trusts', trustPin: 'Pinned by its SHA-256', trustCa: 'Signed by an authority given here', pin: 'SHA-256 of the certificate, hex', ca: 'CA certificates, PEM', share: 'Share', shareDefault: 'Default', save: 'Add the host',
    addNote: 'The host is not contacted until its machines are shown.', inventory: 'Machines on the host', asking: 'Asking the host …', checkpoints: 'Checkpoints', disks: 'Disks', noCheckpoints: 'none', recoveryOurs: 'ours', recoveryForeign: 'recovery, not ours', generation: (n: number) => `generation ${n}`, version: (v: string) => `version ${v}`, noVms: 'This host has no virtual machine.', again: 'Ask again', build: (n: number) => `build ${n}`,
    shares: 'Shares', sharesNote: 'Hosts write their exports here. With exactly one share it is every host\'s default.', sharesEmpty: 'No share yet: add one before the first backup.', addShare: 'Add a share', unc: 'UNC path for hosts', uncHint: '\\\\SERVER\\SHARE', path: 'Folder on the appliance', saveShare: 'Add the share', removeShareTitle: (name: string) => `Remove the share ${name}?`, removeShareNote: 'The folder and what is in it stay.',
  },
  restore: {
    title: 'Restore a disk', pickVm: 'Which machine?', pickPoint: 'Which moment?', pickDisk: 'Which disk?', change: 'Change', to: 'Write to', toHint: 'A new file on the appliance, with its whole path.', format: 'Format', start: 'Restore the disk', noVms: 'There is nothing to restore yet: no machine has a recovery point.', damaged: 'This point has known damage; the restore will stop where it cannot read. Pick another point if you can.',
    formats: { vhdx: 'VHDX, grows as needed', 'vhdx-fixed': 'VHDX, fixed size', vhd: 'VHD, grows as needed', 'vhd-fixed': 'VHD, fixed size', raw: 'Raw image', qcow2: 'QCOW2' } as Record<string, string>,
  },
  repository: {
    title: 'Repository', size: 'Size', points: 'Recovery points', logical: 'Guest data in all points', unique: 'Of it different', stored: 'Stored on disk', reduction: 'Reduction', waste: 'Reclaimable', chunks: 'Chunks', packs: 'Packs', format: 'Format', encrypted: 'Encrypted', notEncrypted: 'Not encrypted: whoever can read the disk can read the backups, and signatures prove nothing.', encryptedYes: 'yes', free: 'Free', version: 'Appliance', id: 'Id', space: 'Space used on its file system',
    check: 'Check', checkNote: 'Proves that what is stored is what was written.', depth: 'How deep', manifests: 'Manifests: signatures, maps, files present', packsDepth: 'Packs: every stored byte', data: 'Data: every chunk decoded and compared', verify: 'Verify everything', reclaim: 'Space', reclaimNote: 'Gives back the space of what no recovery point needs.', gcDry: 'Only look', gc: 'Reclaim now', catalog: 'Catalog', catalogNote: 'The database can be made again from the repository at any time.', catalogCheck: 'Compare', catalogRebuild: 'Rebuild …', rebuildTitle: 'Rebuild the catalog?', rebuildNote: 'The database is made again from the stored objects. No recovery point is changed.', rebuildAction: 'Rebuild it',
    keys: 'Keys', keysNote: 'Each opens the repository. Keep the recovery key on paper, away from here.', slot: 'Slot', kind: 'Kind', created: 'Created', passphrase: 'passphrase', recovery: 'recovery key', addKey: 'Add a passphrase', changeKey: 'Change a passphrase', newPass: 'New passphrase', oldPass: 'Present passphrase', again: 'Once more', differ: 'The two entries differ.', revoke: 'Revoke …', revokeTitle: (n: number) => `Revoke key slot ${n}?`, revokeNote: 'Whoever holds this key can no longer open the repository with it.', revokeAction: 'Revoke it', changed: 'The passphrase was changed.', added: (n: number) => `Added as slot ${n}.`,
  },
};
