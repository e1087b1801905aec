# raw.tcl --
#
#	Raw endpoints: the bare record layer. There is no engine; the script
#	says every record, and sees every one.
#
#	    transport -> records -> record events
#	                   |-> handshake fragments, joined -> message events
#	                   |-> alerts -> alert events
#	                   |-> application_data -> text
#
#	Messages are put together across records and taken apart where several
#	are in one, in both directions, until a ChangeCipherSpec says that what
#	follows in its direction is encrypted; in TLS 1.3 encrypted records are
#	application_data, and are text as they stand. What cannot be a record of
#	TLS (its second byte is not 3) is text too, up to the end.

namespace eval ::pyossl::expect::raw {}

# raw::spawn words --
#	spawn raw HOST PORT ?-option value ...? and spawn raw -listen.
proc ::pyossl::expect::raw::spawn {words} {
    set usage "spawn raw host port, or spawn raw -listen ?-port port?"
    if {[lindex $words 0] eq "-listen"} {
	lassign [::pyossl::expect::SpawnOptions [lrange $words 1 end] \
	    {-port -myaddr -encoding -version}] options rest
	if {[llength $rest]} {
	    return -code error -level 2 -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"$usage\""
	}
	set id [::pyossl::expect::listener::New raw $options \
	    ::pyossl::expect::raw]
	::pyossl::expect::endpoint::set $id options $options
	return $id
    }
    lassign [::pyossl::expect::SpawnOptions [lrange $words 2 end] \
	{-encoding -myaddr -myport -version}] options rest
    if {[llength $words] < 2 || [llength $rest]
	    || [string match -* [lindex $words 0]]} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"$usage\""
    }
    lassign $words host port
    set id [::pyossl::expect::endpoint::New raw ::pyossl::expect::raw \
	host $host port $port]
    Begin $id $options
    try {
	::pyossl::expect::transport::Connect $id $host $port $options
	::pyossl::expect::tls::Await $id
    } on error {message info} {
	::pyossl::expect::transport::Close $id
	::pyossl::expect::endpoint::Closed $id
	::pyossl::expect::endpoint::forget $id
	return -options $info $message
    }
    return $id
}

# What a raw connection has besides a transport.
proc ::pyossl::expect::raw::Begin {id options} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    array set e {
	input "" plain 0 number,in 0 number,out 0 messages,peer ""
	messages,self "" ciphered,peer 0 ciphered,self 0 tls13 0 notify 0
	version TLSv1.2 encoding binary
    }
    foreach name {version encoding} {
	if {[dict exists $options -$name]} {
	    set e($name) [dict get $options -$name]
	}
    }
}

proc ::pyossl::expect::raw::Accepted {listener id} {
    upvar #0 ::pyossl::expect::endpoint::data::$listener l
    Begin $id $l(options)
}

proc ::pyossl::expect::raw::Connected {id} {
    ::pyossl::expect::endpoint::set $id state connected
    ::pyossl::expect::Notify $id
}

proc ::pyossl::expect::raw::Unconnected {id message code} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set e(state) failed
    ::pyossl::expect::event::add $id \
	[dict create kind error code $code message $message]
    End $id reset
}

#------------------------------------------------------------------------
# From the wire
#------------------------------------------------------------------------

proc ::pyossl::expect::raw::Input {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    # As in tls::Input.
    set piece $::pyossl::expect::tls::piece
    set size [string length $bytes]
    for {set at 0} {$at == 0 || $at < $size} {incr at $piece} {
	append e(input) [string range $bytes $at [expr {$at + $piece - 1}]]
	Records $id
    }
}

# The whole records of the input.
proc ::pyossl::expect::raw::Records {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    while {1} {
	if {$e(plain)} {
	    set text $e(input)
	    set e(input) ""
	    if {$text ne ""} {
		::pyossl::expect::Received $id $text 1
	    }
	    return
	}
	set record [::pyossl::expect::tls::Record e(input)]
	if {$record eq ""} {
	    return
	}
	if {[dict exists $record bytes]} {
	    set e(plain) 1
	    set e(input) [dict get $record bytes]
	    continue
	}
	::pyossl::expect::event::add $id [dict merge \
	    [dict create kind record from peer number [incr e(number,in)]] \
	    $record]
	Content $id peer [dict get $record type] [dict get $record version] \
	    [dict get $record fragment]
    }
}

# A record of the script's own.
proc ::pyossl::expect::raw::Sent {id type version bytes} {
    Content $id self $type $version $bytes
}

# What is in a record, in either direction.
proc ::pyossl::expect::raw::Content {id from type version bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    # An alert of two bytes cannot be encrypted, and in TLS 1.3 a
    # ChangeCipherSpec means nothing: what is encrypted is application_data.
    if {$e(ciphered,$from) && ($type eq "handshake" && !$e(tls13)
	    || $type eq "alert" && [string length $bytes] != 2)} {
	return
    }
    switch -- $type {
	handshake {
	    append e(messages,$from) $bytes
	    foreach message [::pyossl::expect::message::split \
		    e(messages,$from)] {
		::pyossl::expect::event::add $id \
		    [::pyossl::expect::tls::MessageEvent $from $version \
		    $message]
		if {[string index $message 0] eq "\x02"
			&& ![catch {::pyossl::expect::message::negotiated \
			$message} settled]} {
		    set e(tls13) [expr {"TLSv1.3" in $settled}]
		}
	    }
	}
	alert {
	    # Several alerts in one record are unusual, but can be read.
	    foreach one [regexp -all -inline {..} $bytes] {
		set event [::pyossl::expect::tls::AlertEvent $from $version \
		    $one]
		::pyossl::expect::event::add $id $event
		if {$from eq "self"} {
		    ::pyossl::expect::Alerted $id $one
		}
		if {$from eq "peer" && !$e(notify) && !$e(eof)
			&& [dict get $event description] eq "close_notify"} {
		    # The end as TLS has it; more can be read all the same, up
		    # to that of the transport.
		    set e(notify) 1
		    ::pyossl::expect::event::add $id \
			[dict create kind closed from peer how clean]
		}
	    }
	}
	change_cipher_spec {
	    ::pyossl::expect::event::add $id [dict create kind ccs from $from]
	    set e(ciphered,$from) 1
	}
	application_data {
	    if {$from eq "peer"} {
		::pyossl::expect::Received $id $bytes
	    }
	}
    }
}

proc ::pyossl::expect::raw::End {id how} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(eof)} {
	return
    }
    if {$e(input) ne ""} {
	# What is no whole record is text, lest it be lost.
	set text $e(input)
	set e(input) ""
	::pyossl::expect::Received $id $text 1
    }
    ::pyossl::expect::ReceivedAll $id
    set e(eof) 1
    if {$how ne "reset" && $e(notify)} {
	# It has been told that this is clean.
	::pyossl::expect::Notify $id
	return
    }
    ::pyossl::expect::event::add $id [dict create kind closed from peer \
	how [expr {$how eq "reset" ? "reset" : "truncated"}]]
}

#------------------------------------------------------------------------
# From the script
#------------------------------------------------------------------------

# send DATA: an application_data record.
proc ::pyossl::expect::raw::Data {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    ::pyossl::expect::event::add $id \
	[dict create kind data from self bytes $bytes]
    for {set at 0} {$at == 0 || $at < [string length $bytes]} {incr at 16384} {
	::pyossl::expect::PutRecord $id application_data $e(version) \
	    [string range $bytes $at $at+16383]
    }
}

proc ::pyossl::expect::raw::Inject {id bytes} {
    ::pyossl::expect::tls::Inject $id $bytes
}

# send -shutdown: a close_notify that is not encrypted.
proc ::pyossl::expect::raw::Shutdown {id} {
    ::pyossl::expect::SendAlert $id warning close_notify
}

proc ::pyossl::expect::raw::Close {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(finished)]} {
	::pyossl::expect::event::add $id \
	    [dict create kind closed from self how \
	    [::pyossl::expect::Ending $id]]
    }
    ::pyossl::expect::transport::Close $id
}

proc ::pyossl::expect::raw::Facts {id key} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set facts {}
    foreach name {channel version} {
	if {[info exists e($name)]} {
	    dict set facts $name $e($name)
	}
    }
    return $facts
}
