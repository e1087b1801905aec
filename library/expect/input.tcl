# input.tcl --
#
#	What comes from the transport of a TLS connection, on its way to the engine
#	(engine.tcl): it is cut into records, whose events go into the log before
#	those of what is in them.

namespace eval ::pyossl::expect::tls {
    # How much is looked at together. What is cut off the front of more would
    # have all the rest copied for each record.
    variable piece 65536
}

# Bytes from the peer: whole records go to the engine one by one, what is not
# whole yet as far as the engine could refuse it.
proc ::pyossl::expect::tls::Input {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(state) eq "plain"} {
	::pyossl::expect::Received $id $bytes 1
	return
    }
    if {$e(skip) > 0} {
	set skip [expr {min($e(skip), [string length $bytes])}]
	incr e(skip) -$skip
	Stray $id [string range $bytes 0 $skip-1]
	set bytes [string range $bytes $skip end]
    }
    variable piece
    set size [string length $bytes]
    for {set at 0} {$at == 0 || $at < $size} {incr at $piece} {
	append e(input) [string range $bytes $at [expr {$at + $piece - 1}]]
	if {![Records $id]} {
	    break
	}
	if {$at + $piece >= $size} {
	    Begun $id
	}
    }
    if {[info exists e(conn)]} {
	::pyossl::expect::FilterFlush $id in
    }
}

# tls::Records id --
#	The whole records of the input go through the filters to the engine.
# Results:
#	1, or 0 where the connection has ended with one of them.
proc ::pyossl::expect::tls::Records {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    while {[info exists e(conn)]} {
	set record [Record e(input)]
	if {$record eq ""} {
	    return 1
	}
	if {[dict exists $record bytes]} {
	    # No TLS: the engine will say so.
	    Stray $id [dict get $record bytes]
	    Feed $id [dict get $record bytes]
	    continue
	}
	dict set record number [incr e(number,in)]
	::pyossl::expect::event::add $id \
	    [dict merge [dict create kind record from peer] $record]
	Ccs $id peer $record
	if {$e(fed) > 0} {
	    # Its beginning is there already, past filters that came later.
	    set rest [string range [::pyossl::expect::record::bytes $record] \
		$e(fed) end]
	    set e(fed) 0
	    if {[info exists e(protect,in)]} {
		::pyossl::expect::protect::Missed $id in $record
	    }
	    Feed $id $rest
	} else {
	    foreach passed [Filter $id in $record] {
		Unheard $id $passed
		Feed $id [::pyossl::expect::record::bytes $passed]
	    }
	    unset -nocomplain e(unheard)
	}
	if {[info exists e(cut,in)]} {
	    set e(input) ""
	    End $id fin
	    return 0
	}
    }
    return 0
}

# tls::Begun id --
#	A record has begun that may never be whole. The engine may have to refuse
#	it for its head alone, so it gets what there is. Filters get records,
#	not parts of them, unless no record of that length is allowed.
proc ::pyossl::expect::tls::Begun {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[string length $e(input)] < 5 || $e(fed) > 0} {
	return
    }
    if {![Filtered $id in]} {
	set e(fed) [string length $e(input)]
	Feed $id $e(input)
	return
    }
    binary scan $e(input) cuxxSu type length
    # RFC 8446, 5.1 and 5.2; RFC 5246, 6.2.3
    if {$length > 16384 && $length > ($type != 23
	    && ![info exists e(after,in)] ? 16384
	    : [dict get [$e(conn) status] protocol] eq "TLSv1.3" ? 16640
	    : 18432)} {
	Partial $id
    }
}

# What there is of a record goes through the filters and to the engine.
proc ::pyossl::expect::tls::Partial {id} {
    set record [Unfinished $id]
    ::pyossl::expect::event::add $id $record
    foreach passed [Filter $id in [dict remove $record kind from]] {
	Feed $id [::pyossl::expect::record::bytes $passed]
    }
}

# Takes the beginning of a record out of the input, as the event of a record with
# a shorter fragment than its length says; the rest of it, if it comes, is
# skipped.
proc ::pyossl::expect::tls::Unfinished {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    binary scan $e(input) cuSuSu type version length
    set fragment [string range $e(input) 5 end]
    set e(input) ""
    set e(fed) 0
    set e(skip) [expr {$length - [string length $fragment]}]
    return [dict create kind record from peer number [incr e(number,in)] \
	type [::pyossl::expect::names::name content_type $type] \
	version [::pyossl::expect::names::name version $version] \
	length $length fragment $fragment]
}

# An alert that is the first a server hears: OpenSSL refuses it for not being a
# ClientHello, and does not tell it. It waits here until the engine has spoken.
proc ::pyossl::expect::tls::Unheard {id record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(role) eq "server" && $e(number,in) == 1
	    && [dict get $record type] eq "alert"
	    && [string length [dict get $record fragment]] == 2} {
	set e(unheard) [AlertEvent peer [dict get $record version] \
	    [dict get $record fragment]]
    }
}

# The first record of a buffer, which loses it; nothing if it is not whole
# yet. What cannot be a record of TLS is a dict with bytes alone.
proc ::pyossl::expect::tls::Record {bufferVar} {
    upvar 1 $bufferVar buffer
    if {[string length $buffer] < 5} {
	# Those who speak no TLS at all show it in the first two bytes.
	if {[string length $buffer] >= 2 && [string index $buffer 1] ne "\x03"} {
	    set bytes $buffer
	    set buffer ""
	    return [dict create bytes $bytes]
	}
	return ""
    }
    binary scan $buffer cucuxSu type major length
    if {$major != 3} {
	set bytes $buffer
	set buffer ""
	return [dict create bytes $bytes]
    }
    set length [expr {$length + 5}]
    if {[string length $buffer] < $length} {
	return ""
    }
    set one [string range $buffer 0 $length-1]
    set buffer [string range $buffer $length end]
    return [lindex [::pyossl::expect::record::split one] 0]
}

# Bytes that are no record, for the log.
proc ::pyossl::expect::tls::Stray {id bytes} {
    if {[string length $bytes]} {
	::pyossl::expect::event::add $id \
	    [dict create kind bytes from peer bytes $bytes]
    }
}

# Gives bytes to the engine and lets it work.
proc ::pyossl::expect::tls::Feed {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(conn)] && $e(state) ni {failed}} {
	$e(conn) bio_write $bytes
	Drive $id
    }
}

# The peer's end of the transport. Without a close_notify before it that is an
# error, also where the connection was ready; what the script sends can still go
# out then, so that the engine is not told.
proc ::pyossl::expect::tls::End {id how} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$how eq "reset"} {
	set e(finished) reset
    } else {
	::pyossl::expect::filter::End $id in
    }
    if {[info exists e(conn)] && $e(state) in {handshaking established}
	    && $how ne "reset"} {
	Rest $id
    } else {
	Stray $id $e(input)
	set e(input) ""
    }
    if {$e(state) eq "handshaking" && [info exists e(conn)]} {
	if {$how eq "reset"} {
	    Failed $id "the connection was reset during the TLS handshake" \
		[::pyossl::expect::transport::Code "connection reset by peer"]
	    Commit $id
	} else {
	    $e(conn) bio_shutdown
	    Drive $id
	}
    } elseif {!$e(eof) && $how eq "reset" && $e(state) ne "failed"} {
	Error $id "the peer has reset the connection" \
	    [::pyossl::expect::transport::Code "connection reset by peer"]
    } elseif {!$e(eof) && $e(state) eq "established"} {
	Error $id "the connection was cut: it ended without close_notify" \
	    {PYOSSL SSL SysCallError -1 {Unexpected EOF}}
    }
    Ended $id [expr {$how eq "reset" ? "reset" : "truncated"}]
}

# What is left of the input when no more can come: the engine gets all of it.
proc ::pyossl::expect::tls::Rest {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[string length $e(input)] < 5} {
	Stray $id $e(input)
	$e(conn) bio_write $e(input)
	set e(input) ""
    } elseif {$e(fed) == 0} {
	Partial $id
    } elseif {$e(state) eq "established"} {
	::pyossl::expect::event::add $id [Unfinished $id]
    }
}

# An error that does not end what the endpoint can do.
proc ::pyossl::expect::tls::Error {id message code} {
    ::pyossl::expect::event::add $id \
	[dict create kind error code $code message $message]
}

# Nothing more will come, unless that is known already.
proc ::pyossl::expect::tls::Ended {id how} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {!$e(eof)} {
	::pyossl::expect::ReceivedAll $id
	set e(eof) 1
	::pyossl::expect::event::add $id \
	    [dict create kind closed from peer how $how]
    }
}
