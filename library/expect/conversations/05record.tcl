# 05record.tcl --
#
#	The record layer around a ClientHello: cut in pieces, joined, empty, too
#	long, of types that nobody knows; and what is no TLS at all.

family Record server {records: fragmentation, coalescing, lengths, types}

# pieces message position ... --
#	Sends a message in several records, cut at these positions.
proc script::pieces {message args} {
    upvar 1 spawn_id spawn_id
    set from 0
    foreach position [concat $args end] {
	set to [expr {$position eq "end" ? "end" : $position - 1}]
	send -i $spawn_id -record handshake TLSv1 \
	    [string range $message $from $to]
	set from $position
    }
}

# halves bytes position -- sends bytes in two TCP segments.
proc script::halves {bytes position} {
    upvar 1 spawn_id spawn_id
    send -i $spawn_id -bytes [string range $bytes 0 $position-1]
    send -i $spawn_id -bytes [string range $bytes $position end]
}

#------------------------------------------------------------------------
# Pieces
#------------------------------------------------------------------------

# Connections one after the other, a range of positions each.
foreach {n first last text} {
    1 1 10 {in its head and version}
    2 11 50 {in its random and session id}
    3 51 99 {behind the session id}
    4 100 9999 {in its extensions}
} {
    conversation Record-Fragment-$n "the ClientHello is cut in two, at each\
	place $text" -source {RFC 8446, 5.1} [format {
	set message [encode ClientHello [hello]]
	set last [expr {min(%d, [string length $message] - 1)}]
	for {set at %d} {$at <= $last} {incr at} {
	    dial
	    pieces $message $at
	    if {[catch {answered} text]} {
		fail "cut at $at: $text"
	    }
	    exp_close
	}
    } $last $first]
}

conversation Record-Fragment-5 {the ClientHello is in records of one byte} \
    -source {RFC 8446, 5.1} {
    set message [encode ClientHello [hello]]
    dial
    for {set i 0} {$i < [string length $message]} {incr i} {
	lappend positions $i
    }
    pieces $message {*}[lrange $positions 1 end]
    either
}

conversation Record-Fragment-6 {the ClientHello is in two records, and a client\
    alert is between} -source {RFC 8446, 5.1} {
    set message [encode ClientHello [hello]]
    dial
    send -record handshake TLSv1 [string range $message 0 59]
    send -alert warning user_canceled
    send -record handshake TLSv1 [string range $message 60 end]
    # RFC 5246 has no rule against it.
    either unexpected_message
}

conversation Record-Fragment-7 {the ClientHello is in two records, and data\
    are between} -source {RFC 8446, 5.1} {
    set message [encode ClientHello [hello]]
    dial
    send -record handshake TLSv1 [string range $message 0 59]
    send -record application_data TLSv1 abc
    send -record handshake TLSv1 [string range $message 60 end]
    refused unexpected_message
}

conversation Record-Segment-1 {the record comes in two segments, cut at each\
    place of its first 60 bytes} -source {RFC 8446, 5} {
    for {set at 1} {$at <= 60} {incr at} {
	set record [record::build handshake TLSv1 \
	    [encode ClientHello [hello]]]
	dial
	halves $record $at
	if {[catch {answered} text]} {
	    fail "cut at $at: $text"
	}
	exp_close
    }
}

conversation Record-Segment-2 {each byte comes alone} -source {RFC 8446, 5} {
    dial
    foreach byte [split [record::build handshake TLSv1 \
	    [encode ClientHello [hello]]] ""] {
	send -bytes $byte
    }
    answered
}

conversation Record-Segment-3 {the connection ends within a record} \
    -source {RFC 8446, 5 and 6.1} {
    dial
    send -bytes \x16\x03\x01\x02\x00abc
    send -eof
    closes
}

conversation Record-Segment-4 {the connection ends within a ClientHello} \
    -source {RFC 8446, 5 and 6.1} {
    dial
    send -record handshake TLSv1 [string range [encode ClientHello [hello]] \
	0 80]
    send -eof
    expect -timeout $timeout -message * -from peer {
	fail "it is answered with a $expect_out(name)"
    } -closed * {
    } timeout {
	fail "the connection stays open"
    }
}

#------------------------------------------------------------------------
# Joined
#------------------------------------------------------------------------

conversation Record-Coalesce-1 {two ClientHellos in one record, for TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 5.1} {
    dial
    set message [encode ClientHello [hello]]
    send -record handshake TLSv1 $message$message
    # Keys change behind it, and it may not go beyond.
    expect -timeout $timeout -alert fatal unexpected_message {
    } -alert * * {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -closed * {
	# Behind its ServerHello the alert is encrypted.
	if {[info exists hello]} {
	    return
	}
	fail "it closed without an alert"
    } -message ServerHello -from peer {
	set hello 1
	exp_continue
    } timeout {
	fail "it goes on"
    }
}

conversation Record-Coalesce-2 {two ClientHellos in one record, for TLS 1.2} \
    -versions TLSv1.2 -source {RFC 5246, 7.4} {
    dial
    set message [encode ClientHello [hello]]
    send -record handshake TLSv1 $message$message
    expect -timeout $timeout -message ServerHello* -from peer {
	exp_continue
    } -message Certificate* -from peer {
	exp_continue
    } -message ServerKeyExchange -from peer {
	exp_continue
    } -alert fatal unexpected_message {
    } -alert * * {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -closed * {
	fail "it closed without an alert"
    } timeout {
	fail "it goes on"
    }
}

conversation Record-Coalesce-3 {the ClientHello and half a message are in one\
    record, for TLS 1.3} -versions TLSv1.3 -source {RFC 8446, 5.1} {
    dial
    send -record handshake TLSv1 [encode ClientHello [hello]]\x14\x00\x00
    expect -timeout $timeout -alert fatal unexpected_message {
    } -alert * * {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -message ServerHello -from peer {
	set hello 1
	exp_continue
    } -closed * {
	if {[info exists hello]} {
	    return
	}
	fail "it closed without an alert"
    } timeout {
	fail "it goes on"
    }
}

#------------------------------------------------------------------------
# Lengths
#------------------------------------------------------------------------

conversation Record-Empty-1 {an empty handshake record before the ClientHello} \
    -source {RFC 8446, 5.1; RFC 5246, 6.2.1} {
    dial
    send -record handshake TLSv1 ""
    greet
    refused unexpected_message decode_error
}

conversation Record-Empty-2 {an empty alert} -source {RFC 8446, 5.1} {
    dial
    send -record alert TLSv1 ""
    greet
    refused unexpected_message decode_error
}

conversation Record-Empty-3 {empty handshake records within the ClientHello} \
    -source {RFC 8446, 5.1; RFC 5246, 6.2.1} {
    set message [encode ClientHello [hello]]
    dial
    pieces $message 60 60 60
    refused unexpected_message decode_error
}

conversation Record-Long-1 {a handshake record of 16385 bytes} \
    -source {RFC 8446, 5.1; RFC 5246, 6.2.1} {
    dial
    send -record handshake TLSv1 [string range [encode ClientHello [hello -add \
	[list [list extension_type padding padding [string repeat \x00 \
	20000]]]]] 0 16384]
    refused record_overflow
}

foreach {n length} {2 18433 3 20000 4 65535} {
    conversation Record-Long-$n "a record that says $length bytes" \
	-source {RFC 8446, 5.2; RFC 5246, 6.2.3} [format {
	dial
	send -record handshake TLSv1 [string repeat \x01 1000] -length %d
	# Not all of it comes, and what there is is no message.
	send -eof
	refused -silent record_overflow decode_error unexpected_message \
	    illegal_parameter
    } $length]
}

conversation Record-Long-5 {a record of 65535 bytes} \
    -source {RFC 8446, 5.2; RFC 5246, 6.2.3} {
    dial
    send -record handshake TLSv1 [string range [encode ClientHello [hello -add \
	[list [list extension_type padding padding [string repeat \x00 \
	65000]]]]][string repeat \x00 600] 0 65534]
    refused record_overflow
}

conversation Record-Alert-1 {an alert of one byte} -source {RFC 8446, 6} {
    dial
    send -record alert TLSv1 \x02
    greet
    refused decode_error unexpected_message
}

conversation Record-Alert-2 {an alert of a level that there is not} \
    -source {RFC 8446, 6} {
    dial
    send -record alert TLSv1 \x07\x0a
    # It counts as fatal, or is wrong itself.
    refused -silent illegal_parameter decode_error unexpected_message
}

conversation Record-Alert-3 {close_notify before the ClientHello} \
    -source {RFC 8446, 6.1} {
    dial
    send -alert warning close_notify
    closes
}

conversation Record-Alert-4 {a fatal alert before the ClientHello} \
    -source {RFC 8446, 6.2} {
    dial
    send -alert fatal handshake_failure
    closes
}

conversation Record-Alert-5 {thousands of warnings in the place of a\
    ClientHello} -source {RFC 8446, 6} {
    dial
    for {set i 0} {$i < 3000} {incr i} {
	append flood \x15\x03\x01\x00\x02\x01\x5a
    }
    send -bytes $flood
    send -eof
    closes
}

#------------------------------------------------------------------------
# Types and versions
#------------------------------------------------------------------------

foreach {n type text} {
    1 25 {a type that there is not}
    2 99 {type 99}
    3 0 {type 0}
    4 127 {type 127}
    5 application_data {application_data}
    6 heartbeat {a heartbeat}
} {
    conversation Record-Type-$n "the first record is $text" \
	-source {RFC 8446, 5; RFC 5246, 6} [format {
	dial
	send -record %s TLSv1 abc
	greet
	refused unexpected_message
    } $type]
}

conversation Record-Type-7 {a record of an unknown type behind the ServerHello} \
    -versions TLSv1.2 -source {RFC 5246, 6} {
    greet
    flight
    send -record 99 TLSv1.2 abc
    refused unexpected_message
}

conversation Record-Type-8 {data that are not encrypted, behind the\
    ServerHello} -versions TLSv1.2 -source {RFC 5246, 10} {
    greet
    flight
    send -record application_data TLSv1.2 "GET / HTTP/1.0\r\n\r\n"
    refused unexpected_message
}

conversation Record-Version-1 {the first record is of 4.1} \
    -source {RFC 8446, 5.1} {
    # The version must be ignored; but it is no TLS that anybody knows.
    dial -version 0x0401
    greet
    expect -timeout $timeout -message ServerHello -from peer {
    } -alert fatal * {
    } -closed * {
    } timeout {
	fail "no answer"
    }
}

foreach {n bytes text} {
    1 "GET / HTTP/1.0\r\n\r\n" {a request of HTTP}
    2 "SSH-2.0-test\r\n" {a greeting of SSH}
    3 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" {zeros}
    4 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" {ones}
    5 "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" {a ClientHello of SSL 2.0}
} {
    conversation Record-Other-$n "the client sends $text" \
	-source {RFC 8446, 5; RFC 6176, 3} [format {
	dial
	send -bytes %s
	send -eof
	expect -timeout $timeout -message * -from peer {
	    fail "it is answered with a $expect_out(name)"
	} -closed * {
	} timeout {
	    fail "the connection stays open"
	}
    } [list $bytes]]
}

conversation Record-Other-6 {the client says nothing and leaves} \
    -source {RFC 8446, 6.1} {
    dial
    send -eof
    closes
}
