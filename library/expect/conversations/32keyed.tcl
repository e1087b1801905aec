# 32keyed.tcl --
#
#	What is encrypted and wrong: Finished, KeyUpdate, data, records.

family Finished server {Finished: altered, of another length, early, missing}

foreach {letter version} {B TLSv1.3 C TLSv1.2} {
    foreach {n body text} {
	1 {flip $bytes 4} {its first byte is altered}
	2 {flip $bytes end} {its last byte is altered}
	3 {flip $bytes 10 0x80} {a byte within is altered}
	4 {content $bytes [string repeat \0 [expr {[string length $bytes] - 4}]]}
	    {it is all zeros}
    } {
	conversation Finished-Altered-$n$letter "$text, in $version" \
	    -versions $version -source \
	    {RFC 8446, 4.4.4; RFC 5246, 7.4.9} [format {
	    altering Finished {%s}
	    refused decrypt_error
	} $body]
    }
    foreach {n body text} {
	1 {content $bytes [string range $bytes 4 end-1]} {a byte is missing}
	2 {content $bytes [string range $bytes 4 end]!} {it has a byte more}
	3 {content $bytes ""} {it has no bytes}
	4 {content $bytes [string repeat x 255]} {it has 255 bytes}
    } {
	conversation Finished-Length-$n$letter "$text, in $version" \
	    -versions $version -source \
	    {RFC 8446, 4.4.4 and 6.2; RFC 5246, 7.4.9 and 7.2.2} [format {
	    altering Finished {%s}
	    refused decode_error decrypt_error illegal_parameter
	} $body]
    }
    conversation Finished-Missing-1$letter \
	"data come in its place, in $version" -versions $version \
	-source {RFC 8446, 2 and 5.1; RFC 5246, 7.3} {
	with instead Finished {{application_data "GET / HTTP/1.0\r\n\r\n"}}
	refused unexpected_message
    }
    conversation Finished-Missing-2$letter \
	"data come before it, in $version" -versions $version \
	-source {RFC 8446, 2 and 5.1; RFC 5246, 7.3} {
	with before Finished {{application_data "GET / HTTP/1.0\r\n\r\n"}}
	refused unexpected_message
    }
    conversation Finished-Missing-3$letter \
	"no data, of no bytes, come before it, in $version" -versions $version \
	-source {RFC 8446, 2 and 5.1; RFC 5246, 7.3} {
	with before Finished {{application_data ""}}
	refused unexpected_message
    }
    foreach {n type text} {
	1 0x01 {a ClientHello} 2 0x10 {a ClientKeyExchange}
	3 0x63 {a message of type 99} 4 0x04 {a NewSessionTicket}
	5 0x08 {an EncryptedExtensions} 6 0x00 {a HelloRequest}
	7 0x02 {a ServerHello} 8 0x0d {a CertificateRequest}
    } {
	conversation Finished-Instead-$n$letter \
	    "$text comes in its place, in $version" -versions $version \
	    -source {RFC 8446, 4; RFC 5246, 7.3} [format {
	    with instead Finished {{handshake "\x%02x\x00\x00\x00"}}
	    refused unexpected_message decode_error
	} $type]
    }
}
unset letter version n body text type

conversation Finished-Clear-1 {it is not encrypted} \
    -versions TLSv1.3 -source {RFC 8446, 5.1 and 5.2} {
    with before Finished [list [list handshake \
	[encode Finished [list verify_data [string repeat x 32]]] 0]]
    refused unexpected_message bad_record_mac
}

conversation Finished-Twice-1 {it comes twice} \
    -versions TLSv1.3 -source {RFC 8446, 4.4.4 and 5.1} {
    keyed
    send -protected 1 -handshake Finished [list verify_data \
	[string repeat x 32]]
    refused unexpected_message
}

conversation Finished-Split-1 {it comes in two records} \
    -versions TLSv1.3 -source {RFC 8446, 5.1} {
    established -wait 0 -script {
	wire $spawn_id out -protected 1 \
	    ::pyossl::expect::conversation::script::Halves
    } {*}[Only]
    finished
}

conversation Finished-Split-2 {data come between its two records} \
    -versions TLSv1.3 -source {RFC 8446, 5.1} {
    established -wait 0 -script {
	wire $spawn_id out -protected 1 \
	    {::pyossl::expect::conversation::script::Halves x}
    } {*}[Only]
    refused unexpected_message
}

# A filter: the Finished in two records, with data between.
proc script::Halves {args} {
    set record [lindex $args end]
    if {![IsMessage $record Finished]} {
	return [list $record]
    }
    set bytes [dict get $record fragment]
    set first $record
    dict set first fragment [string range $bytes 0 9]
    dict set record fragment [string range $bytes 10 end]
    return [concat [list $first] [lmap data [lrange $args 0 end-1] {
	dict create type application_data version TLSv1.2 fragment $data
    }] [list $record]]
}

#------------------------------------------------------------------------
# KeyUpdate
#------------------------------------------------------------------------

family KeyUpdate server {KeyUpdates: both kinds, wrong ones, at wrong times}

conversation KeyUpdate-Plain-1 {one that asks for none} \
    -versions TLSv1.3 -source {RFC 8446, 4.6.3} {
    keyed
    send -protected 1 -handshake KeyUpdate {request_update update_not_requested}
    alive
}

conversation KeyUpdate-Plain-2 {one that asks for one, which comes before data} \
    -versions TLSv1.3 -source {RFC 8446, 4.6.3} {
    keyed
    send -protected 1 -handshake KeyUpdate {request_update update_requested}
    send "GET / HTTP/1.0\r\n\r\n"
    expect -timeout $timeout -message KeyUpdate -from peer {
    } -re .+ {
	fail "data came before the KeyUpdate that was asked for"
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -closed * {
	fail "it closed"
    } timeout {
	fail "no KeyUpdate came"
    }
    if {[dict get $expect_out(message) request_update]
	    ne "update_not_requested"} {
	fail "its KeyUpdate asks for another"
    }
}

conversation KeyUpdate-Plain-3 {two in a row} \
    -versions TLSv1.3 -source {RFC 8446, 4.6.3} {
    keyed
    send -protected 1 -handshake KeyUpdate {request_update update_not_requested}
    send -protected 1 -handshake KeyUpdate {request_update update_not_requested}
    alive
}

conversation KeyUpdate-Plain-4 {one in two records} \
    -versions TLSv1.3 -source {RFC 8446, 4.6.3 and 5.1} {
    keyed
    send -protected 1 -record handshake TLSv1.2 \x18\x00
    send -protected 1 -record handshake TLSv1.2 \x00\x01\x02
    refused illegal_parameter
}

foreach {n bytes text alerts} {
    1 {\x18\x00\x00\x01\x02} {with the value 2} illegal_parameter
    2 {\x18\x00\x00\x01\xff} {with the value 255} illegal_parameter
    3 {\x18\x00\x00\x00} {without a value} decode_error
    4 {\x18\x00\x00\x02\x00\x00} {of two bytes}
	{decode_error illegal_parameter}
    5 {\x18\x00\x00\x01\x00\x18\x00\x00\x01\x00} {with another in its record}
	unexpected_message
    6 {\x18\x00\x00\x01\x00\x18} {with the beginning of a message behind it}
	unexpected_message
} {
    conversation KeyUpdate-Wrong-$n "one $text" \
	-versions TLSv1.3 -source {RFC 8446, 4.6.3, 5.1 and 6.2} [format {
	keyed
	send -protected 1 -record handshake TLSv1.2 "%s"
	refused %s
    } $bytes $alerts]
}

conversation KeyUpdate-Keys-1 {the keys behind it are the old ones} \
    -versions TLSv1.3 -source {RFC 8446, 4.6.3 and 5.2} {
    keyed
    # With its type, so that the keys here do not follow it.
    send -protected 1 -record 0 TLSv1.2 \x18\x00\x00\x01\x00\x16
    send -protected 1 -record application_data TLSv1.2 "GET /"
    refused bad_record_mac
}

foreach {n kind} {1 0 2 1} {
    conversation KeyUpdate-Early-$n "one before the Finished, of kind $kind" \
	-versions TLSv1.3 -source {RFC 8446, 4.6.3} [format {
	with before Finished {{handshake \x18\x00\x00\x01\x0%d}}
	refused unexpected_message
    } $kind]
    conversation KeyUpdate-Old-$n "one in TLS 1.2, of kind $kind" \
	-versions TLSv1.2 -source {RFC 5246, 7.4} [format {
	keyed
	send -protected 1 -record handshake TLSv1.2 \x18\x00\x00\x01\x0%d
	refused unexpected_message
    } $kind]
}
conversation KeyUpdate-Clear-1 {one in the clear, behind the ServerHello} \
    -versions TLSv1.3 -source {RFC 8446, 4.6.3} {
    greet
    answered
    send -record handshake TLSv1.2 \x18\x00\x00\x01\x00
    refusedKeyed
}
unset n bytes text alerts kind

# refusedKeyed -- the peer, which encrypts by now in TLS 1.3, ends the
# connection after a record that may be its alert, and nothing more.
proc script::refusedKeyed {} {
    upvar 1 spawn_id spawn_id
    closes
}
