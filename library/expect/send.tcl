# send.tcl --
#
#	The command send: plaintext, and what goes on the wire past the engine.
#
#	    send DATA                the engine encrypts it
#	    send -record ... etc.    to the transport as it is, also on an
#	                             endpoint with an engine: unencrypted,
#	                             whatever was negotiated
#	    send -alert              the same, encrypted as soon as the engine
#	                             encrypts, so that the peer understands it
#	    send -shutdown -eof -reset    three ways to end

namespace eval ::pyossl::expect {
    variable sendUsage "send ?-i id? ?-slow {size seconds}? ?--? data, or\
	send ?-i id? ?-slow {size seconds}? -bytes bytes, or\
	send ?-i id? ?-protected boolean?\
	-record|-handshake|-alert ..., or\
	send ?-i id? -shutdown|-eof|-reset"
}

# send ?-i id? ?-slow {size seconds}? ?--? data --
# send ?-i id? -record TYPE VERSION BYTES ?-length N?
# send ?-i id? -handshake NAME ?BODYDICT?
# send ?-i id? -alert LEVEL DESCRIPTION
# send ?-i id? -protected boolean -record|-handshake|-alert ...
# send ?-i id? ?-slow {size seconds}? -bytes BYTES
# send ?-i id? -shutdown | -eof | -reset
#	Sends to an endpoint; never waits, but for -slow.
# Arguments:
#	-slow		so many bytes at once, with so many seconds between;
#			without a list of two, as Expect's -s, what the variable
#			send_slow says.
#	data		plaintext. Before the handshake is done it waits.
#	-record		one record; -length says another length than it has.
#	-handshake	a handshake message, as encode makes it, in a record.
#	-alert		an alert in a record, encrypted if the engine encrypts
#			what it sends by now.
#	-protected	1: the record is encrypted with the keys of the engine,
#			as its own; -padding behind -record is a number of zeros
#			for TLS 1.3. Type 0 is for contents that are given with
#			their type and padding. 0: in the clear, an alert too.
#	-bytes		bytes on the wire, untouched.
#	-shutdown	close_notify
#	-eof		the end of the output (TCP's FIN), without close_notify
#	-reset		a reset (TCP's RST)
# Errors:
#	PYOSSL EXPECT NOTOPEN id after the end; what the connection has failed
#	with; PYOSSL EXPECT ENCODE; PYOSSL EXPECT VALUE for a character that is
#	no byte; PYOSSL EXPECT KIND for an alert that is to
#	be encrypted and a suite for which that cannot be done here
# Source:
#	send of expect(1)
proc ::pyossl::expect::send {args} {
    Send $args
    return
}

# exp_send -- another name of send, as in Expect.
proc ::pyossl::expect::exp_send {args} {
    tailcall ::pyossl::expect::send {*}$args
}

proc ::pyossl::expect::Send {words} {
    variable sendUsage
    set id ""
    set slow ""
    set protected ""
    while {[string match -* [lindex $words 0]] && [llength $words] > 0} {
	set words [lassign $words flag]
	switch -- $flag {
	    -- { break }
	    -i {
		set words [lassign $words id]
	    }
	    -slow {
		set words [lassign $words slow]
	    }
	    -s {
		set slow [ReadVariable send_slow "" 2]
		if {$slow eq ""} {
		    return -code error -level 2 -errorcode \
			{PYOSSL EXPECT VALUE send_slow} \
			"send -s needs the variable send_slow"
		}
	    }
	    -raw { }
	    -protected {
		set words [lassign $words protected]
		if {![string is boolean -strict $protected]} {
		    return -code error -level 2 -errorcode \
			[list PYOSSL EXPECT VALUE $protected] \
			"-protected must be a boolean, not \"$protected\""
		}
	    }
	    -record - -handshake - -alert - -bytes - -shutdown - -eof -
	    -reset {
		set id [Sender $id]
		if {$slow ne "" && $flag ne "-bytes"} {
		    return -code error -level 2 -errorcode \
			{PYOSSL EXPECT VALUE -slow} \
			"-slow goes with data and -bytes, not with $flag"
		}
		if {$protected ne ""
			&& $flag ni {-record -handshake -alert}} {
		    Unprotectable $flag
		}
		if {$protected eq ""} {
		    set protected [expr {$flag eq "-alert"
			&& [llength $words] == 2 && [protect::Active $id]}]
		}
		if {$protected && $flag in {-record -handshake -alert}} {
		    return [protect::Send $id $flag $words]
		}
		return [SendWire $id $flag $words $slow]
	    }
	    default {
		return -code error -level 2 -errorcode \
		    [list TCL LOOKUP INDEX flag $flag] "bad flag \"$flag\":\
		    must be -i, -slow, -s, -protected, -record, -handshake, -alert,\
		    -bytes, -shutdown, -eof, -reset, -raw, or --"
	    }
	}
    }
    if {[llength $words] != 1} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"$sendUsage\""
    }
    set id [Sender $id]
    if {$protected ne ""} {
	Unprotectable data
    }
    Slowly $id $slow [endpoint::get $id type]::Data \
	[Encoded $id [lindex $words 0]]
}

# The error of a -protected before what is in no record of its own, for the
# caller of send.
proc ::pyossl::expect::Unprotectable {what} {
    return -code error -level 3 -errorcode {PYOSSL EXPECT VALUE -protected} \
	"-protected goes with -record, -handshake and -alert, not with $what"
}

# Slowly id slow command bytes --
#	Gives bytes to a command, at once or piece by piece.
# Arguments:
#	slow	empty, or how many at once and how many seconds between
proc ::pyossl::expect::Slowly {id slow command bytes} {
    if {$slow eq ""} {
	try {
	    $command $id $bytes
	} on error {message info} {
	    return -code error -level 3 -errorcode \
		[dict get $info -errorcode] $message
	}
	return
    }
    if {![string is list $slow] || [llength $slow] != 2
	    || ![string is integer -strict [lindex $slow 0]]
	    || [lindex $slow 0] < 1
	    || ![Finite [lindex $slow 1]] || [lindex $slow 1] < 0} {
	return -code error -level 3 -errorcode \
	    [list PYOSSL EXPECT VALUE $slow] "slow sending needs a number of\
	    bytes and one of seconds, not \"$slow\""
    }
    lassign $slow size seconds
    for {set at 0} {$at < [string length $bytes]} {incr at $size} {
	if {$at > 0} {
	    Pause $seconds
	}
	endpoint::Check $id 1
	$command $id [string range $bytes $at \
	    [expr {$at + $size - 1}]]
    }
}

# The endpoint that a send is for.
proc ::pyossl::expect::Sender {id} {
    if {$id eq ""} {
	set id [ReadVariable spawn_id "" 3]
	if {$id eq ""} {
	    return -code error -level 3 -errorcode \
		{PYOSSL EXPECT NOENDPOINT {}} \
		"no endpoint: nothing was spawned, and there is no -i"
	}
    }
    endpoint::Check $id 1
    if {[info commands [endpoint::get $id type]::Data] eq ""} {
	return -code error -level 3 -errorcode \
	    [list PYOSSL EXPECT STATE [endpoint::get $id state]] \
	    "nothing can be sent to $id, which is listening"
    }
    return $id
}

# Runs the event loop for so many seconds.
proc ::pyossl::expect::Pause {seconds} {
    Until {} 0 $seconds
}

# The forms of send that say what goes on the wire.
proc ::pyossl::expect::SendWire {id flag words slow} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set counts [dict get {
	-record {3 5} -handshake {1 2} -alert {2 2} -bytes {1 1}
	-shutdown {0 0} -eof {0 0} -reset {0 0}
    } $flag]
    set usage [dict get {
	-record "-record type version bytes ?-length n?"
	-handshake "-handshake name ?body?" -alert "-alert level description"
	-bytes "-bytes bytes" -shutdown "-shutdown" -eof "-eof" -reset "-reset"
    } $flag]
    set n [llength $words]
    if {$n < [lindex $counts 0] || $n > [lindex $counts 1] || ($n == 5
	    && "-length" ni [list [lindex $words 0] [lindex $words 3]])
	    || ($n == 4)} {
	return -code error -level 3 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"send ?-i id? $usage\""
    }
    if {$e(type) eq "::pyossl::expect::program" && $flag ni {-bytes -eof}
	    || $e(type) eq "::pyossl::expect::conn" && $flag ni {-shutdown}} {
	return -code error -level 3 -errorcode [list PYOSSL EXPECT KIND $e(kind)] \
	    "send $flag cannot be done on a $e(kind)"
    }
    switch -- $flag {
	-record {
	    SendRecord $id $words
	}
	-handshake {
	    lassign $words name body
	    SendMessage $id [encode $name $body]
	}
	-alert {
	    lassign $words level description
	    SendAlert $id $level $description
	}
	-bytes {
	    if {[regexp {[^\u0000-\u00ff]} [lindex $words 0]]} {
		return -code error -level 3 -errorcode \
		    {PYOSSL EXPECT VALUE bytes} \
		    "a character above U+00FF cannot be sent as a byte"
	    }
	    Slowly $id $slow SendBytes [lindex $words 0]
	}
	-shutdown {
	    $e(type)::Shutdown $id
	}
	-eof {
	    filter::End $id out
	    if {![info exists e(finished)]} {
		event::add $id [dict create kind closed from self \
		    how [Ending $id]]
	    }
	    transport::Finish $id
	}
	-reset {
	    if {![info exists e(finished)] || $e(finished) ne "reset"} {
		event::add $id [dict create kind closed from self how reset]
	    }
	    transport::Reset $id
	}
    }
    return
}

# send -bytes: nobody knows what they are, but that they went out.
proc ::pyossl::expect::SendBytes {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    $e(type)::Inject $id $bytes
    event::add $id [dict create kind [expr {
	$e(type) eq "::pyossl::expect::program" ? "data" : "bytes"}] \
	from self bytes $bytes]
}

# send -record
proc ::pyossl::expect::SendRecord {id words} {
    set length ""
    if {[llength $words] == 5} {
	if {[lindex $words 0] eq "-length"} {
	    set words [lassign $words - length]
	} else {
	    set length [lindex $words 4]
	}
    }
    lassign $words type version bytes
    PutRecord $id $type $version $bytes $length
}

# Puts a record on the wire, and what it is into the log.
proc ::pyossl::expect::PutRecord {id type version bytes {length ""}} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set wire [record::build $type $version $bytes $length]
    if {$length eq ""} {
	set length [string length $bytes]
    }
    set type [names::name content_type [names::code content_type $type]]
    set version [names::name version [names::code version $version]]
    # The numbers of an engine's records are those that it has made.
    set number 0
    if {$e(type) ne "::pyossl::expect::tls"} {
	set number [incr e(number,out)]
    }
    event::add $id [dict create kind record from self type $type \
	version $version length $length fragment $bytes number $number]
    if {[info commands $e(type)::Sent] ne ""} {
	$e(type)::Sent $id $type $version $bytes
    }
    $e(type)::Inject $id $wire
}

# A handshake message in a record; with an engine the log is told of it here,
# a raw endpoint reads its own records.
proc ::pyossl::expect::SendMessage {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set version [RecordVersion $id]
    if {$e(type) eq "::pyossl::expect::tls"} {
	event::add $id [tls::MessageEvent self 0x0303 $bytes]
    }
    # A message longer than a record goes in several.
    for {set at 0} {$at == 0 || $at < [string length $bytes]} {incr at 16384} {
	PutRecord $id handshake $version [string range $bytes $at $at+16383]
    }
}

proc ::pyossl::expect::SendAlert {id level description} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set bytes [record::alert $level $description]
    if {$e(type) eq "::pyossl::expect::tls"} {
	event::add $id [tls::AlertEvent self 0x0303 $bytes]
    }
    PutRecord $id alert [RecordVersion $id] $bytes
    Alerted $id $bytes
}

# An alert of the script's own has gone out.
proc ::pyossl::expect::Alerted {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[string index $bytes 1] eq "\0"} {
	set e(goodbye) 1
    }
}

# What it is to end the output now: it is clean behind a close_notify.
proc ::pyossl::expect::Ending {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    return [expr {[info exists e(notified)] || [info exists e(goodbye)]
	? "clean" : "truncated"}]
}

# The version that the records of an endpoint say.
proc ::pyossl::expect::RecordVersion {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(version)]} {
	return $e(version)
    }
    return TLSv1.2
}
