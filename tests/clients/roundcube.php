<?php
/* What Roundcube does with a mailbox, by its own IMAP classes: php roundcube.php FOLDER-OF-ROUNDCUBE PORT USER PASSWORD; JSON on stdout. */
error_reporting(E_ALL & ~E_DEPRECATED);
[, $home, $port, $user, $password] = $argv;
define('RCUBE_LOCALIZATION_DIR', '');
require "$home/program/lib/Roundcube/bootstrap.php";

$imap = new rcube_imap_generic();
$said = '';
$imap->setDebug(true, function ($imap, $line) use (&$said) { $said .= "$line\n"; });
$options = ['port' => (int)$port, 'ssl_mode' => 'ssl', 'auth_type' => 'CHECK', 'ident' => ['name' => 'Roundcube'], 'timeout' => 20,
    'socket_options' => ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false]]];

function must($what, $result)
{
    global $imap, $said;
    if ($result === false || (is_object($result) && method_exists($result, 'is_error') && $result->is_error())) {
        fwrite(STDERR, "$what: {$imap->error}\n$said");
        exit(1);
    }
    return $result;
}

must('connect', $imap->connect('127.0.0.1', $user, $password, $options));
$got = ['namespace' => $imap->getNamespace(), 'delimiter' => $imap->getHierarchyDelimiter(),
    'knows' => array_map(fn($name) => $imap->getCapability($name),
        ['QRESYNC', 'CONDSTORE', 'LIST-EXTENDED', 'LIST-STATUS', 'SPECIAL-USE', 'ESEARCH', 'MOVE', 'BINARY', 'LITERAL+', 'UIDPLUS'])];

/* The list at the left. */
foreach (['Ablage', 'Ablage.Gr&APwA3w-e', 'Sent'] as $folder) {
    must("create $folder", $imap->createFolder($folder, $folder == 'Sent' ? ['\\Sent'] : null));
    must("subscribe $folder", $imap->subscribe($folder));
}
$got['folders'] = must('list', $imap->listMailboxes('', '*', ['SPECIAL-USE']));
$got['subscribed'] = must('subscribed', $imap->listMailboxes('', '*', [], ['SUBSCRIBED']));
$got['uses'] = $imap->data['LIST']['Sent'] ?? null;

/* The list of messages. */
must('select', $imap->select('INBOX'));
$got['count'] = $imap->data['EXISTS'];
$got['unseen'] = must('status', $imap->countUnseen('INBOX'));
$got['sorted'] = must('sort', $imap->sort('INBOX', 'SUBJECT', 'UNDELETED', true, 'UTF-8'))->get();
$got['threads'] = must('thread', $imap->thread('INBOX', 'REFERENCES', 'UNDELETED', true, 'UTF-8'))->count();
$headers = must('headers', $imap->fetchHeaders('INBOX', '1:*', false, true, ['X-PRIORITY', 'LIST-ID']));
$got['headers'] = array_map(fn($h) => [$h->uid, $h->subject, $h->from, $h->bodystructure[1]], array_values($headers));

/* One that is read, answered and looked for. */
$got['body'] = must('body', $imap->handlePartBody('INBOX', 2, true, '1', '7bit'));
must('flag', $imap->flag('INBOX', '2', 'SEEN') && $imap->flag('INBOX', '2', 'ANSWERED') && $imap->flag('INBOX', '3', '$Forwarded'));
$got['answered'] = must('search', $imap->search('INBOX', 'ALL ANSWERED', true, ['COUNT', 'ALL']))->get();
$got['found'] = must('search text', $imap->search('INBOX', 'CHARSET UTF-8 OR SUBJECT {3+}' . "\r\none BODY {5+}\r\nthree", true))->get();
$text = "From: me@example.test\r\nTo: anna@example.test\r\nSubject: re: two\r\n\r\nanswer\r\n";
$got['appended'] = must('append', $imap->append('Sent', $text, ['SEEN']));
$binary = "From: me@example.test\r\nSubject: binary\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngrün\r\n";
must('append binary', $imap->append('Sent', $binary, ['SEEN'], null, true));

/* What is put away, and what is thrown away. */
must('move', $imap->move('1', 'INBOX', 'Ablage.Gr&APwA3w-e'));
must('copy', $imap->copy('2', 'INBOX', 'Ablage'));
must('delete', $imap->flag('INBOX', '3', 'DELETED') && $imap->expunge('INBOX', '3'));
foreach (['INBOX', 'Sent', 'Ablage', 'Ablage.Gr&APwA3w-e'] as $folder)
    $got['left'][$folder] = must("status $folder", $imap->status($folder, ['UNSEEN']))['MESSAGES'];
must('rename', $imap->renameFolder('Ablage', 'Archiv'));
must('clear', $imap->clearFolder('Archiv') && $imap->deleteFolder('Archiv.Gr&APwA3w-e') && $imap->deleteFolder('Archiv'));
must("quota", $imap->getQuota("INBOX"));
must('metadata', $imap->setMetadata('INBOX', ['/private/comment' => 'Eingang']));
$got['metadata'] = must('metadata', $imap->getMetadata('INBOX', ['/private/comment']));
$got['end'] = must('list', $imap->listMailboxes('', '*'));
$imap->closeConnection();
echo json_encode($got, JSON_UNESCAPED_UNICODE), "\n";
