/*
 * The life of a queue file (queue/STATES.md) for the model checker spin. A step
 * bears the name that it has in the table there.
 *
 * One message, of one of three levels:
 *
 *   0  a client's, to a and l; l is an alias that leads to b or to c, as the
 *      table of aliases says at the moment
 *   1  a letter of the queue's own (bounce, delay warning, report of success)
 *      to the sender of such a message
 *   2  a letter to the postmaster about one of level 1, or about one of level 0
 *      without a sender
 *
 * The letter that a message causes is followed until it is committed; from
 * there on it is a message of the next level, with a life of its own, which is
 * what this model says of that level. So no answer is lost on the way from one
 * to the next, and the levels end.
 *
 * What stands in the file is kept twice: as the kernel has it, and as the disk
 * has it. A SIGKILL leaves what the kernel has. A power cut leaves of each unit
 * what the disk had or what the kernel had, in any combination, and the kernel may
 * write any unit at any time before. A mark without the body is a torn file.
 *
 * A small message is committed by its record in the journal; its own file is
 * synced later, when the round ends. A large one may be offered to the manager
 * before its sync, who works on it meanwhile; its end is an answer too. JOURNAL chooses: 0 large ones, 1 small
 * ones, 2 both.
 *
 * N: crashes, LIFE: attempts after which a message is too old, TROUBLES: how
 * often the disk, the intake or a lookup fails, ASKS: how often root holds,
 * releases or deletes; each number of these is an upper bound. BAD_... flips one guard:
 * tests/model/run sees to it that each such model fails, or the proof would say
 * nothing. Time has no place here: what waits may be tried at any moment.
 */
#ifndef N
#define N 1
#endif
#ifndef LIFE
#define LIFE 2
#endif
#ifndef TROUBLES
#define TROUBLES 1
#endif
#ifndef ASKS
#define ASKS 0
#endif
#ifndef LEAST
#define LEAST 0 /* level */
#endif
#ifndef JOURNAL
#define JOURNAL 2
#endif

/* Where the message is in the heads of the programs; a crash makes them forget. */
#define NOBODY  0
#define OPEN    1  /* the intake writes it */
#define WHOLE   2  /* written, mark and all: its sync is to come */
#define SYNCED  3  /* the file is durable */
#define DURABLE 4  /* the name too: to be answered */
#define FOUND   5  /* by the scan at start */
#define WORK    6
#define WAITING 7
#define TELLING 8  /* its letter is under way */
#define TOLD    9  /* its letter is committed */
#define HELD    10
#define LOGGED  11 /* its record is in the journal: the sync of that is to come */
#define RECOVER 12 /* at start: the journal has a record of it */
#define RECOVERED 13

/* The status of a recipient in the file: - W D S F B. */
#define PENDING   0
#define WARNED    1
#define DELIVERED 2
#define SUCCESS   3
#define FAILED    4
#define RETURNED  5

/* How a recipient stands in this run of the manager; from 10: a status that is to be marked. */
#define TO_TRY   0
#define DEFERRED 1
#define TO_MARK  10

/* The word in the line `tries`. */
#define NEXT    0
#define ON      1 /* "held" */
#define FREE    2
#define GARBLED 3 /* any mixture of two */

/* Recipients in the file. A letter has the first only. */
#define A 0
#define L 1
#define T 2 /* what the block gives in the place of l */

/* Addresses. The block holds b or c, or 0 where nothing stands. */
#define ADDR_A 0
#define ADDR_B 1
#define ADDR_C 2
#define ADDR_L 3

/* --- the file: what the kernel has, what the disk has ------------------------------ */

bit  name,      name_disk;
bit  body,      body_disk;
bit  mark,      mark_disk;
byte status[3], status_disk[3];
byte turn,      turn_disk;
byte sum,       sum_disk;    /* the first line of the block: of which address */
byte target,    target_disk; /* the address in the block */
/* In the journal: a record of the message, whose round is not ended; the note that it has ended. */
bit  record,    record_disk;
bit  note,      note_disk;

/* --- what the programs know -------------------------------------------------------------- */

byte phase;
byte attempt[3];
byte ending; /* of the round that has the record: 1 its files are synced, 2 their names too */
byte offer;  /* 1 the intake waits for the end, 2 it does not any more: the sync is to come, 3 the file is synced */

/* --- what is so --------------------------------------------------------------------------- */

byte crashes, troubles, asks, age;
byte level;
bit  begun, answered, gone, released;
bit  null_sender, came_held, never_a, wants_report, small; /* do not change */
bit  delivered[4], told[4], named[4]; /* by address */
byte r, v; /* within a step */

#define is_pending(s) ((s) == PENDING || (s) == WARNED)
#define is_due(s)     ((s) == FAILED || (s) == SUCCESS)
#define is_new(s)     ((s) == PENDING)
/* When no crash can follow, what the disk has does not matter: it is what the kernel has. */
#define LAST          (crashes == N)

#ifdef BAD_MARK_AGREES_THOUGH_TORN
#define agrees      (mark)
#else
#define agrees      (mark && body)
#endif
#ifdef BAD_BLOCK_WITHOUT_SUM
#define is_expanded (sum != 0)
#else
#define is_expanded (sum != 0 && sum == target)
#endif
/* Behind the last whole block something stands. */
#define is_stale    (!is_expanded && (sum != 0 || target != 0 || status[T] != PENDING))

/* The one beside a: l, or what stands in its place; a itself in a letter. */
#define second      (level > 0 -> A : (is_expanded -> T : L))
#define address(rr) ((rr) == A -> ADDR_A : ((rr) == L -> ADDR_L : target))
#define some(P)     (P(status[A]) || P(status[second]))
#define is_over     (!some(is_pending) && !some(is_due))
#ifdef BAD_TORN_TURN_FREES
#define is_held     (turn == ON || came_held && turn == NEXT)
#else
#define is_held     (turn == ON || came_held && turn != FREE)
#endif
#define is_too_old  (age >= LIFE && some(is_pending))
#define is_late     (age + 1 == LIFE && some(is_new) && level == 0 && !null_sender)

/* Of a message that is held nothing more is begun. */
#define was_tried(rr) (attempt[rr] == DEFERRED || attempt[rr] == TO_TRY && (is_held || !is_pending(status[rr])))
#define has_run       (was_tried(A) && was_tried(second) && attempt[L] < TO_MARK && attempt[T] < TO_MARK)

/* A recipient has its end, and the end is true. */
#define got(rr)       (delivered[address(rr)] && (!wants_report || (rr) != T || told[address(rr)]))
#define heard(rr)     (told[address(rr)] || (rr) == A && never_a)
#define true_end(rr)  (status[rr] == DELIVERED && got(rr) || status[rr] == SUCCESS && got(rr) || \
	status[rr] == FAILED && heard(rr) || status[rr] == RETURNED && heard(rr))

inline write_status()
{
	status[r] = v;
	status_disk[r] = (LAST -> v : status_disk[r])
}

inline write_turn(word)
{
	turn = word;
	turn_disk = (LAST -> word : turn_disk)
}

inline end_run(where)
{
	attempt[A] = TO_TRY; attempt[L] = TO_TRY; attempt[T] = TO_TRY;
	phase = where
}

/* No name leads to it any more, in the kernel or on the disk. */
inline forget_content()
{
	if
	:: !name && !name_disk ->
		body = 0; body_disk = 0; mark = 0; mark_disk = 0; turn = NEXT; turn_disk = NEXT;
		status[A] = PENDING; status[L] = PENDING; status[T] = PENDING;
		status_disk[A] = PENDING; status_disk[L] = PENDING; status_disk[T] = PENDING;
		sum = 0; sum_disk = 0; target = 0; target_disk = 0
	:: else
	fi
}

inline unlink()
{
	offer = 0;
	name = 0;
	name_disk = (LAST -> 0 : name_disk);
	end_run(NOBODY);
	forget_content()
}

/* --- intake ----------------------------------------------------------------------------- */

inline open()
{
	begun = 1;
	name = 1; name_disk = (LAST -> 1 : 0);
	phase = OPEN
}

/* The client left, the disk is full, or a sync failed, which is final. */
inline abort()
{
	troubles++;
	unlink()
}

inline commit()
{
	if
	/* In any order. */
	:: phase == OPEN && !body -> body = 1; body_disk = (LAST -> 1 : 0)
	:: phase == OPEN && !mark -> mark = 1; mark_disk = (LAST -> 1 : 0)
	:: phase == OPEN && body && mark ->
#ifdef BAD_ANSWER_BEFORE_SYNC
		answered = 1;
#endif
		phase = WHOLE
	:: phase == OPEN && troubles < TROUBLES -> abort()
	:: phase == WHOLE && !small -> body_disk = body; mark_disk = mark; phase = SYNCED
	/* offer */
	:: phase == WHOLE && !small && !is_held ->
#ifdef BAD_ANSWER_BEFORE_END
		answered = 1;
#endif
		/* its mark is not to be believed yet */
		mark = 0; mark_disk = 0;
		offer = 1; phase = WORK
	:: phase == WHOLE && small -> record = 1; record_disk = (LAST -> 1 : 0); phase = LOGGED
#ifdef BAD_ANSWER_BEFORE_JOURNAL
	:: phase == LOGGED -> phase = DURABLE
#else
	:: phase == LOGGED -> record_disk = record; phase = DURABLE
#endif
	:: (phase == WHOLE || phase == SYNCED || phase == LOGGED) && troubles < TROUBLES && !answered -> abort()
	:: phase == SYNCED ->
#ifndef BAD_NAME_NOT_SYNCED
		name_disk = name;
#endif
		phase = DURABLE
	/* answer */
	:: phase == DURABLE -> answered = 1; phase = (is_held -> HELD : WORK)
	fi
}
#define may_commit (phase >= OPEN && phase <= DURABLE || phase == LOGGED)

inline sync_file()
{
	body_disk = body; mark_disk = mark; turn_disk = turn; sum_disk = sum; target_disk = target;
	status_disk[A] = status[A]; status_disk[L] = status[L]; status_disk[T] = status[T]
}

/* What the intake does while the manager works on what it was offered. Its patience may end at any moment. */
inline offered()
{
	if
	:: offer == 1 -> mark = 1; mark_disk = (LAST -> 1 : 0); offer = 2
	:: offer == 2 -> sync_file(); offer = 3
	:: offer == 3 -> name_disk = name; answered = 1; offer = 0
	:: offer >= 2 && troubles < TROUBLES && !answered -> abort()
	fi
}

/* end a round: its files, their names, and only then the head is blanked. What has gone needs no sync. */
inline end_round()
{
	if
#ifdef BAD_ROUND_ENDS_BEFORE_SYNC
	:: ending == 0 -> ending = 2
#else
	:: ending == 0 && name -> sync_file(); ending = 1
	:: ending == 0 && !name -> ending = 2
	:: ending == 1 -> name_disk = name; forget_content(); ending = 2
#endif
	:: ending == 2 -> record = 0; record_disk = 0; ending = 0
	fi
}
#define may_end_round (record && phase != NOBODY && !may_commit && phase != RECOVER && phase != RECOVERED || record && begun && phase == NOBODY)

/* recover: what is torn is made anew from its record, durably; then the journal is blanked. */
inline recover()
{
	if
	:: phase == RECOVER ->
		if
		:: note -> name = 0; name_disk = 0; forget_content()
		:: !note && name && agrees -> sync_file(); name_disk = 1
		:: !note && !(name && agrees) ->
			name = 0; name_disk = 0; forget_content();
			name = 1; body = 1; mark = 1; name_disk = 1; sync_file()
		fi;
		phase = RECOVERED
	:: phase == RECOVERED -> record = 0; record_disk = 0; note = 0; note_disk = 0; end_run((name -> FOUND : NOBODY))
	fi
}

/* --- start --------------------------------------------------------------------------------- */

inline read_found()
{
	if
	:: agrees -> phase = (is_held -> HELD : WORK)
	/* sweep, or set aside where there is a mark */
	:: !agrees -> assert(!answered || gone); unlink()
#ifdef BAD_SWEEP_OF_COMMITTED
	:: agrees -> assert(!answered || gone); unlink()
#endif
	fi
}

/* --- the run of the manager ------------------------------------------------------------------- */

#define may_deliver(rr) (is_pending(status[rr]) && attempt[rr] == TO_TRY && !is_held)

/* deliver: what the Maildir or the next host says. Silence: of a failure for which NOTIFY wants no letter. */
inline deliver()
{
	assert(body);                  /* never half a message */
	assert(named[address(r)]);     /* never to one who was no recipient */
	assert(!came_held || released);
	if
	:: true -> delivered[address(r)] = 1; attempt[r] = TO_MARK + (r == T && wants_report -> SUCCESS : DELIVERED)
	:: true -> attempt[r] = TO_MARK + (r == A && never_a -> RETURNED : FAILED)
	:: true -> attempt[r] = DEFERRED
	fi
}

inline write_mark()
{
	if
	:: true -> v = attempt[r] - TO_MARK; write_status(); attempt[r] = TO_TRY
	/* It cannot be written: the message is read anew later. */
	:: troubles < TROUBLES -> troubles++; end_run(WAITING)
	fi
}

#define may_expand (level == 0 && !is_expanded && is_pending(status[L]) && attempt[L] == TO_TRY && !is_held)

/* expand. What stands behind the last whole block is cut off first, and that is synced. */
inline expand()
{
	if
#ifdef BAD_EXPAND_OVER_STALE
	:: true ->
#else
	:: is_stale ->
		sum = 0; sum_disk = 0; target = 0; target_disk = 0; status[T] = PENDING; status_disk[T] = PENDING
	:: !is_stale ->
#endif
		if
		:: target = ADDR_B
		:: target = ADDR_C
		fi;
		sum = target; status[T] = PENDING; named[target] = 1;
		target_disk = (LAST -> target : target_disk);
		sum_disk = (LAST -> sum : sum_disk);
		status_disk[T] = (LAST -> PENDING : status_disk[T])
	:: attempt[L] = TO_MARK + FAILED /* it is no alias any more */
	:: attempt[L] = DEFERRED         /* authd says later */
	fi
}

/* note; then the name goes. */
inline end_it()
{
	gone = 1;
	/* end first */
	answered = answered || offer > 0;
	note = record; note_disk = (LAST -> note : note_disk);
	unlink()
}

/* remove */
inline remove()
{
	assert(true_end(A) && true_end(second));
	end_it()
}

/* bounce: one letter tells all that is to be told now. About a letter to the postmaster there is none: the log says double-bounce. */
inline bounce()
{
#ifdef BAD_UNLINK_BEFORE_BOUNCE
	if
	:: !some(is_pending) -> name = 0; name_disk = (LAST -> 0 : name_disk)
	:: else
	fi;
#endif
	if
#ifdef BAD_BOUNCE_OF_BOUNCE
	:: true ->
#else
	:: level == 2 -> told[ADDR_A] = 1; phase = TOLD
	:: level < 2 ->
#endif
		assert((level == 0 && null_sender -> 2 : level + 1) <= 2);
		phase = TELLING
	fi
}

/* The letter is committed, or the intake cannot take it now. */
inline letter_ends()
{
	if
	:: true ->
		told[address(A)] = told[address(A)] || is_due(status[A]);
		told[address(second)] = told[address(second)] || is_due(status[second]);
		phase = TOLD
	:: troubles < TROUBLES -> troubles++; end_run(WAITING)
	fi
}

#define told_status(s) ((s) == FAILED -> RETURNED : ((s) == SUCCESS -> DELIVERED : WARNED))
#define is_to_tell(s)  (is_due(s) || is_new(s) && age + 1 == LIFE && level == 0 && !null_sender)

/* F to B, S to D, - to W; when nobody is pending, remove comes at once. retry */
inline after_letter()
{
	if
	:: !some(is_pending) -> remove()
	:: some(is_pending) && is_to_tell(status[A]) -> r = A; v = told_status(status[r]); write_status()
	:: some(is_pending) && is_to_tell(status[second]) -> r = second; v = told_status(status[r]); write_status()
	:: some(is_pending) && !some(is_to_tell) -> age++; end_run(WAITING)
	fi
}

/* Every recipient has ended or is deferred. */
inline decide()
{
	if
	:: is_over -> remove()
	:: !is_over && is_held -> end_run(HELD)
	:: !is_over && !is_held && is_too_old ->
		r = (is_pending(status[A]) -> A : second);
		attempt[r] = TO_MARK + (r == A && never_a -> RETURNED : FAILED)
	:: !is_over && !is_held && !is_too_old && (some(is_due) || is_late) -> bounce()
	/* retry */
	:: !is_over && !is_held && !is_too_old && !some(is_due) && !is_late -> age++; end_run(WAITING)
	fi
}

inline work()
{
	if
#ifdef BAD_MARK_BEFORE_DELIVERY
	:: may_deliver(A) -> r = A; v = DELIVERED; write_status()
#endif
	:: may_deliver(A) -> r = A; deliver()
	:: is_expanded && level == 0 && may_deliver(T) -> r = T; deliver()
	:: may_expand -> expand()
	:: attempt[A] >= TO_MARK -> r = A; write_mark()
	:: attempt[L] >= TO_MARK -> r = L; write_mark()
	:: attempt[T] >= TO_MARK -> r = T; write_mark()
	:: has_run && attempt[A] < TO_MARK -> decide()
	fi
}

inline step()
{
	if
	:: may_commit -> commit()
	:: phase == FOUND -> read_found()
	:: phase == RECOVER || phase == RECOVERED -> recover()
	:: phase == WAITING -> phase = (is_held -> HELD : WORK)
	:: phase == WORK -> work()
	:: phase == TELLING -> letter_ends()
	:: phase == TOLD -> after_letter()
	:: phase == HELD && turn != ON -> write_turn(ON) /* tell */
	fi
}
#define may_step (phase != NOBODY && !(phase == HELD && turn == ON))

/* --- root ------------------------------------------------------------------------------------------ */

inline root_asks()
{
	asks++;
	if
	/* hold: what is under way goes on to its end */
	:: phase == WAITING && !is_held -> write_turn(ON); phase = HELD
	:: phase == WORK && !is_held -> write_turn(ON)
	/* release */
	:: phase == HELD || phase == WORK && is_held -> write_turn(FREE); released = 1; phase = WORK; age = 0
	/* delete */
	:: phase == HELD || phase == WAITING -> end_it()
	fi
}
#define root_may (asks < ASKS && (phase == WAITING || phase == WORK || phase == HELD))

/* --- crashes ---------------------------------------------------------------------------------------- */

/* Of a unit that was not synced the disk has what it had, or what the kernel had. */
#define keep(unit, unit_disk) \
	if \
	:: unit != unit_disk -> if :: unit = unit_disk :: unit_disk = unit fi \
	:: else \
	fi

inline lose_power()
{
	keep(name, name_disk);
	keep(body, body_disk);
	keep(mark, mark_disk);
	keep(status[A], status_disk[A]);
	keep(status[L], status_disk[L]);
	keep(status[T], status_disk[T]);
	keep(sum, sum_disk);
	keep(target, target_disk);
	keep(record, record_disk);
	keep(note, note_disk);
	if
	:: turn != turn_disk -> if :: turn = turn_disk :: turn_disk = turn :: turn = GARBLED; turn_disk = GARBLED fi
	:: else
	fi
}

inline start()
{
	crashes++;
	if
	:: LAST ->
		name_disk = name; record_disk = record; note_disk = note; sync_file()
	:: else
	fi;
	/* What was answered is there and whole, or has come to its end. */
	assert(!answered || gone || name && mark && body || record && !note);
	forget_content();
	ending = 0;
	offer = 0;
	end_run((record -> RECOVER : (name -> FOUND : NOBODY)))
}

/* The kernel writes a unit of its own accord, so that what is written twice may be on the disk in its older state. */
inline write_back()
{
	if
	:: name != name_disk -> name_disk = name; forget_content()
	:: status[A] != status_disk[A] -> status_disk[A] = status[A]
	:: status[L] != status_disk[L] -> status_disk[L] = status[L]
	:: status[T] != status_disk[T] -> status_disk[T] = status[T]
	:: turn != turn_disk -> turn_disk = turn
	:: sum != sum_disk -> sum_disk = sum
	:: target != target_disk -> target_disk = target
	fi
}
#define is_dirty (name != name_disk || status[A] != status_disk[A] || \
	status[L] != status_disk[L] || status[T] != status_disk[T] || turn != turn_disk || sum != sum_disk || target != target_disk)

/* --- all ----------------------------------------------------------------------------------------------- */

inline choose()
{
	if
	:: LEAST == 0 -> level = 0; if :: null_sender = 1 :: true fi; if :: never_a = 1 :: true fi; if :: wants_report = 1 :: true fi
	:: LEAST <= 1 -> level = 1
	:: level = 2
	fi;
	if
	:: JOURNAL > 0 -> small = 1
	:: JOURNAL != 1 -> small = 0
	fi;
	if
	:: ASKS > 0 -> came_held = 1
	:: true
	fi;
	named[ADDR_A] = 1; named[ADDR_L] = 1
}

init {
	atomic { choose() };
	do
	:: atomic { !begun -> open() }
	:: atomic { may_step -> step(); r = 0; v = 0 }
	:: atomic { may_end_round -> end_round() }
	:: atomic { offer > 0 -> offered() }
	:: atomic { root_may -> root_asks() }
	:: atomic { begun && !LAST -> start() }               /* SIGKILL */
	:: atomic { begun && !LAST -> lose_power(); start() } /* power cut */
	:: atomic { begun && !LAST && is_dirty -> write_back() }
	:: begun && !may_step && !may_end_round && offer == 0 -> break
	od;
	/* Nothing moves any more: it was never answered, has its end, or is held for a person to decide. */
	assert(!answered || gone || phase == HELD && is_held)
}
