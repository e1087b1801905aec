# scanwire.tcl --
#
#	The connections of a probe.  Each scan is a coroutine that asks and reads
#	the answer as if it were alone; here it waits for its turn, for the
#	server, and for no longer than the time that a connection has.
#
#	    scan --Ask--> turn -> connect -> STARTTLS -> hello -> Collect
#	      ^                                                     |
#	      +--------- a dict: what came, and how it ended -------+
#
#	A probe is an array, whose name all procedures get as p:
#	    host port address starttls	where it asks
#	    timeout parallel		milliseconds; connections in flight
#	    free queue			turns that are left; who waits for one
#	    silent			connections in a row without an answer
#	    connections			how many there were

namespace eval ::pyossl::expect::probe {
    # No answer that is asked for is longer.
    variable most 1000000
}

# Await p channel event deadline --
#	Waits in a coroutine for a channel to be readable or writable, or with
#	no channel for the time alone.
# Results:
#	1, or 0 if the time is up.
proc ::pyossl::expect::probe::Await {p channel event deadline} {
    set left [expr {$deadline - [clock milliseconds]}]
    if {$left <= 0} {
	# Also where there is always more to read.
	return 0
    }
    set coroutine [info coroutine]
    set timer [after $left [list $coroutine 0]]
    if {$channel ne ""} {
	chan event $channel $event [list $coroutine 1]
    }
    set news [yield]
    after cancel $timer
    if {$channel ne ""} {
	chan event $channel $event {}
    }
    return $news
}

# A turn is had by as many connections as -parallel says.
proc ::pyossl::expect::probe::Acquire {p} {
    upvar #0 $p P
    if {$P(free) > 0} {
	incr P(free) -1
	return
    }
    lappend P(queue) [info coroutine]
    yield
}

proc ::pyossl::expect::probe::Release {p} {
    upvar #0 $p P
    if {[llength $P(queue)]} {
	set P(queue) [lassign $P(queue) next]
	after 0 [list $next]
    } else {
	incr P(free)
    }
}

# Open p deadline --
#	Connects, and speaks the protocol before TLS if there is one.
# Results:
#	The channel.
# Errors:
#	PYOSSL EXPECT PROBE HOW with how it ended: refused, timeout, closed,
#	reset or starttls.
proc ::pyossl::expect::probe::Open {p deadline} {
    upvar #0 $p P
    incr P(connections)
    set host [expr {$P(address) ne "" ? $P(address) : $P(host)}]
    if {[catch {socket -async $host $P(port)} channel]} {
	Fail refused [regsub {^couldn't open socket: } $channel {}]
    }
    try {
	chan configure $channel -blocking 0 -translation binary -buffering none
	if {![Await $p $channel writable $deadline]} {
	    Fail timeout "no connection within [expr {$P(timeout) / 1000.0}] s"
	}
	set error [chan configure $channel -error]
	if {$error in {"connection reset by peer"
		"software caused connection abort"}} {
	    # It was accepted before.
	    Fail reset "the connection was reset"
	}
	if {$error ne ""} {
	    Fail refused $error
	}
	if {$P(address) eq ""} {
	    catch {set P(address) [lindex [chan configure $channel -peername] 0]}
	}
	if {$P(starttls) ne ""} {
	    StartTls $p $channel $deadline
	}
    } on error {message options} {
	catch {close $channel}
	return -options $options $message
    }
    return $channel
}

proc ::pyossl::expect::probe::Fail {how text} {
    return -code error -errorcode [list PYOSSL EXPECT PROBE $how] $text
}

# The lines before TLS: what the server greets with, what is said, and what
# it says then.  What stands last in a row is the answer that lets TLS begin.
# RFC 3207, RFC 3501 6.2.1, RFC 2595 4, RFC 4217
proc ::pyossl::expect::probe::StartTls {p channel deadline} {
    upvar #0 $p P
    foreach {command answer} [dict get {
	smtp {"" ^220 "EHLO probe.invalid" ^250 STARTTLS ^220}
	imap {"" {^\* OK} "a STARTTLS" {^a OK}}
	pop3 {"" {^\+OK} STLS {^\+OK}}
	ftp {"" ^220 "AUTH TLS" ^234}
    } $P(starttls)] {
	if {$command ne "" && [catch {puts -nonewline $channel $command\r\n}]} {
	    Fail closed "closed before $command"
	}
	set line [Answer $p $channel $deadline $command]
	if {![regexp -nocase "$answer\\M" $line]} {
	    Fail starttls "[expr {$command eq "" ? "the greeting"
		: "the answer to \"$command\""}] is\
		\"[::pyossl::expect::quote::printable $line 100]\""
	}
    }
}

# Answer p channel deadline command --
#	The line that decides: the last one of an answer that has a number, whose
#	first ones may say anything (RFC 959, 4.2), and the one with the tag of
#	IMAP, or that it ends the connection.
proc ::pyossl::expect::probe::Answer {p channel deadline command} {
    upvar #0 $p P
    set line [Line $p $channel $deadline]
    if {[regexp {^(\d\d\d)-} $line - number]} {
	set last "^$number\\M(?!-)"
    } elseif {$P(starttls) eq "imap" && $command ne ""} {
	set last {^(?!\* )|^\* BYE}
    } else {
	return $line
    }
    while {![regexp -nocase $last $line]} {
	if {[clock milliseconds] > $deadline} {
	    Fail timeout "no end of what is said before TLS"
	}
	set line [Line $p $channel $deadline]
    }
    return $line
}

# A line of text; not a byte more is read, which could be one of TLS.
proc ::pyossl::expect::probe::Line {p channel deadline} {
    set line ""
    while {[string length $line] < 2000} {
	if {[catch {read $channel 1} byte]} {
	    Fail reset "reset before TLS"
	}
	if {$byte eq "\n"} {
	    return [string trimright $line \r]
	}
	append line $byte
	if {$byte ne ""} {
	    continue
	}
	if {[eof $channel]} {
	    Fail closed "closed before TLS"
	}
	if {![Await $p $channel readable $deadline]} {
	    Fail timeout "no answer before TLS"
	}
    }
    Fail starttls "a line without an end"
}

# Ask p hello ?until? --
#	Asks on a connection of its own.
# Arguments:
#	hello	Bytes to send, or a list of such that are sent one by one.
#	until	hello: the ServerHello is enough. flight: all up to the
#		ServerHelloDone. A number: more encrypted bytes than that.
#		ending: all, up to the end of the connection or a moment in which
#		nothing comes.
# Results:
#	A dict: end (hello, alert, closed, reset, timeout, refused, nottls,
#	starttls), text for people, alert (its description), hello (the dict of
#	the ServerHello or HelloRetryRequest, or empty), messages (a dict of
#	name to bytes), version, suite, encrypted (bytes behind the ServerHello
#	in TLS 1.3), over (1: the connection has ended).
proc ::pyossl::expect::probe::Ask {p hello {until hello}} {
    upvar #0 $p P
    set answer {end timeout text {} alert {} hello {} messages {} version {}
	suite {} encrypted 0 over 0}
    Acquire $p
    try {
	if {$P(silent) >= $P(patience)} {
	    dict set answer text "not asked any more: no answer $P(silent)\
		times in a row"
	    return $answer
	}
	set deadline [expr {[clock milliseconds] + $P(timeout)}]
	set channel [Open $p $deadline]
	try {
	    chan puts -nonewline $channel $hello
	    set answer [Collect $p $channel $deadline $until $answer]
	} trap POSIX {message} {
	    dict set answer end reset
	    dict set answer text "the connection was reset"
	} finally {
	    catch {close $channel}
	}
    } trap {PYOSSL EXPECT PROBE} {message options} {
	dict set answer end [lindex [dict get $options -errorcode] end]
	dict set answer text $message
    } finally {
	Release $p
    }
    Heard $p [dict get $answer end]
    Progress $p
    return $answer
}

# Heard p end -- counts the connections on which nobody was there, in a row.
proc ::pyossl::expect::probe::Heard {p end} {
    upvar #0 $p P
    set P(silent) [expr {$end in {timeout refused} ? $P(silent) + 1 : 0}]
}

# Take channel --
#	What has come, by one read of the system: where a reset is behind it,
#	Tcl would lose it if it read on.
proc ::pyossl::expect::probe::Take {channel} {
    set data [read $channel 1]
    if {$data ne ""} {
	append data [read $channel [chan pending input $channel]]
    }
    return $data
}

# Collect p channel deadline until answer --
#	Reads until there is enough; see Ask.
proc ::pyossl::expect::probe::Collect {p channel deadline until answer} {
    variable most
    set buffer ""
    set joined ""
    set size 0
    while 1 {
	set data [Take $channel]
	append buffer $data
	incr size [string length $data]
	if {$size > $most} {
	    dict set answer end nottls
	    dict set answer text "more than $most bytes for an answer"
	    return $answer
	}
	if {$buffer ne "" && ![regexp {^[\x14-\x18](\x03.?)?$} \
		[string range $buffer 0 1]]} {
	    dict set answer end nottls
	    dict set answer text "the answer is not TLS:\
		[::pyossl::expect::quote::printable [string range $buffer 0 59]]"
	    return $answer
	}
	foreach record [::pyossl::expect::record::split buffer] {
	    if {[Record $record $until joined answer]} {
		return $answer
	    }
	}
	if {[eof $channel]} {
	    dict set answer over 1
	    if {[dict get $answer hello] eq ""} {
		dict set answer end closed
		dict set answer text "the connection was closed"
	    }
	    return $answer
	}
	# A server that waits for the client is given a moment.
	set till $deadline
	if {$until eq "ending" && [dict get $answer hello] ne ""} {
	    set till [expr {min($deadline, [clock milliseconds] + 1000)}]
	}
	if {![Await $p $channel readable $till]} {
	    if {[dict get $answer hello] eq ""} {
		dict set answer text "no answer"
	    }
	    return $answer
	}
    }
}

# Record record until joinedVar answerVar --
#	Takes a record into the answer; 1 if it is the last one needed.
proc ::pyossl::expect::probe::Record {record until joinedVar answerVar} {
    upvar 1 $joinedVar joined $answerVar answer
    set fragment [dict get $record fragment]
    switch -- [dict get $record type] {
	alert {
	    # A warning, such as unrecognized_name, ends nothing.
	    if {[string length $fragment] == 2
		    && [dict get $answer version] ne "TLSv1.3"} {
		binary scan $fragment cucu level code
		if {$level == 2 || $code == 0} {
		    dict set answer end alert
		    dict set answer alert \
			[::pyossl::expect::names::name alert $code]
		    dict set answer text "alert [dict get $answer alert]"
		    return 1
		}
	    }
	}
	application_data {
	    dict incr answer encrypted [string length $fragment]
	    return [expr {[string is integer $until]
		&& [dict get $answer encrypted] > $until}]
	}
	handshake {
	    append joined $fragment
	    foreach message [::pyossl::expect::message::split joined] {
		if {[Message $message $until answer]} {
		    return 1
		}
	    }
	}
    }
    return 0
}

proc ::pyossl::expect::probe::Message {message until answerVar} {
    upvar 1 $answerVar answer
    set name [::pyossl::expect::message::nameOf $message]
    dict set answer messages $name $message
    if {$name in {ServerHello HelloRetryRequest}} {
	if {[catch {
	    set hello [::pyossl::expect::decode $message]
	    set settled [::pyossl::expect::message::negotiated $message]
	} text]} {
	    dict set answer end nottls
	    dict set answer text "a ServerHello that is wrong: $text"
	    return 1
	}
	dict set answer end hello
	dict set answer text ServerHello
	dict set answer hello $hello
	dict set answer version [dict get $settled -version]
	dict set answer suite [dict get $settled -cipher]
	return [expr {$until eq "hello" || $name eq "HelloRetryRequest"}]
    }
    return [expr {$name eq "ServerHelloDone"}]
}

# Extension hello name -- an extension of a ServerHello; empty if it has none.
proc ::pyossl::expect::probe::Extension {hello name} {
    if {$hello ne ""} {
	foreach extension [dict get $hello extensions] {
	    if {[dict get $extension extension_type] eq $name} {
		return $extension
	    }
	}
    }
    return ""
}
