# convstate.tcl --
#
#	What the tests of the conversations behind the keys share, besides
#	conversing.tcl: servers that ask for certificates, and the known
#	deviations of OpenSSL and GnuTLS (3.0 and 3.5, 3.7 and 3.8).

namespace eval convstate {
    variable families {
	Alert Finished KeyUpdate Data Close Resume Renegotiate Second
    }
}

# For conversing::hold.
apply {{} {
    upvar #0 conversing::deviations deviations
    set padding {Data-Padding-5 {takes more padding than there may be}}
    if {[conversing::older 3.0.22]} {
	foreach name {
	    Alert-Keys-1
	    Data-Short-1C Data-Short-2C Data-Short-3C Data-Short-4C
	} {
	    lappend padding $name {internal_error, and not bad_record_mac}
	}
    }
    set deviations(state-pyossl) $padding
    set deviations(state-openssl) [concat $padding {
	KeyUpdate-Flood-1 {the program sleeps a second for each}
    }]
    foreach code {10 20 40 47 50 51 80 200} {
	lappend deviations(state-openssl) Alert-Level-$code \
	    {passes over errors that say they are warnings}
    }
    set deviations(state-gnutls) {
	Alert-Warning-1 {the program ends at any alert}
	Alert-Warning-3 {the program ends at any alert}
	Alert-Form-3 {takes the first two bytes of an alert record}
	Alert-Form-4 {takes the first two bytes of an alert record}
	Alert-Number-1 {does not look at the level}
	Alert-Number-2 {does not look at the level}
	Alert-Number-3 {does not look at the level}
	Finished-Missing-3C {passes over records without data}
	KeyUpdate-Wrong-5 {takes what is behind a KeyUpdate}
	KeyUpdate-Wrong-6 {waits for the rest of the message}
	Data-Zeros-1 {bad_record_mac, and not unexpected_message}
	Data-Zeros-2 {bad_record_mac, and not unexpected_message}
	Data-Zeros-3 {bad_record_mac, and not unexpected_message}
	Data-Zeros-4 {bad_record_mac, and not unexpected_message}
	Data-Message-10 {passes over empty handshake records}
	Data-Inner-3 {does not look at the outer type}
	Data-Inner-4 {does not look at the outer type}
	KeyUpdate-Flood-1 {takes some KeyUpdates in a second, and no more}
	Resume-Ticket-2B {passes over bytes behind a ticket}
	Resume-Ticket-2C {passes over bytes behind a ticket}
	Resume-Mode-2 {unsupported_extension, and not missing_extension}
	Resume-Hash-1 {illegal_parameter, and no full handshake}
	Resume-Suite-1 {goes on with a suite that is not offered}
	Second-Share-3 {handshake_failure, and not illegal_parameter}
    }
    set deviations(asking-openssl) {}
    set deviations(asking-pyossl) {}
    set deviations(asking-gnutls) {
	Certificate-Verify-3B {illegal_parameter, and not decode_error}
	Certificate-Verify-6B {internal_error, and not decode_error}
	Certificate-Missing-1B {decode_error, and not unexpected_message}
	Certificate-Bytes-5B {illegal_parameter, and not decode_error}
	Certificate-Bytes-4C {unexpected_message, and not decode_error}
	Certificate-Bytes-5C {unexpected_message, and not decode_error}
    }
    set unknown {Sealed-Flight-2 {passes over extensions that it does not know}}
    set deviations(sealed-openssl) $unknown
    set deviations(sealed-pyossl) $unknown
    set deviations(sealed-gnutls) [concat $unknown {
	Sealed-Flight-1 {takes one of no bytes}
	Sealed-Flight-10 {illegal_parameter, and not decode_error}
	Sealed-Update-3 {takes what is behind a KeyUpdate}
    }]
    foreach name {
	Message-1B Message-2B Message-3B Message-4B Message-5B Message-6B
	Message-1C Message-2C Message-3C Message-4C Message-5C Message-6C
	Type-1B Type-2B Type-3B Type-1C Type-2C Type-3C Tag-1B Tag-1C Long-1B
	Long-1C Update-1 Update-2 Ticket-1 Ticket-2 Ticket-3 Zeros-1
    } {
	lappend deviations(sealed-gnutls) Sealed-$name \
	    {the program ends without an alert when it cannot read}
    }
}}

# convstate::server name script --
#	The same as conversing::server, with one that asks for a certificate and
#	takes any.
proc convstate::server {name script} {
    upvar 1 server server
    if {$name eq "gnutls"} {
	# It asks by itself.
	tailcall conversing::server $name $script
    }
    if {$name eq "openssl"} {
	set words [list openssl s_server -accept 127.0.0.1:0 -www -verify 1 \
	    -cert [conversing::cert server.pem] \
	    -key [conversing::cert server.key]]
	set ready {ACCEPT 127.0.0.1:(\d+)}
    } else {
	set asks [string map {{-certfile $certificate}
	    {-request 1 -validatecommand any -certfile $certificate}} \
	    $::conversing::ours]
	set words [list {*}[childtclsh] [testfile asking.tcl \
	    "set auto_path [list $::auto_path]\nproc any args {return 1}\n$asks"] \
	    [conversing::cert server.pem] [conversing::cert server.key]]
	set ready {port (\d+)}
    }
    set peer [startpeer $words]
    try {
	set server [list 127.0.0.1 [waitpeeroutput $peer $ready 20000]]
	uplevel 1 $script
    } finally {
	stoppeer $peer
    }
}

# convstate::spoiled direction filter script --
#	Runs a script with server set to a server of the harness that misbehaves:
#	its connections have a protected filter.
proc convstate::spoiled {direction filter script} {
    upvar 1 server server
    set id [spawn -noecho server -certfile [conversing::cert server.pem] \
	-keyfile [conversing::cert server.key]]
    set server [list 127.0.0.1 [endpoint $id port]]
    expect_before -i $id -accept [format {
	wire $expect_out(spawn_id) %s -protected 1 %s
	exp_continue
    } $direction $filter]
    try {
	uplevel 1 $script
    } finally {
	expect_before
	ends {*}[spawned]
    }
}

# A filter: there are no alerts.
proc convstate::mute {record} {
    return [expr {[dict get $record type] eq "alert" ? {} : [list $record]}]
}

# The names of the results of a kind.
proc convstate::names {results kind} {
    return [lmap result $results {
	if {[dict get $result result] ne $kind} continue
	dict get $result conversation
    }]
}
