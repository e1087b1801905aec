# talkback.tcl --
#
#	The words in which conversations with a client under test are written,
#	besides those in talk.tcl. The harness is its server:
#
#	    called	starts the client, and has its ClientHello
#	    tell	says a message that fits it, but for what is asked for
#	    again	the client answers a HelloRetryRequest
#	    offered	the messages of TLS 1.2 up to one of them

#------------------------------------------------------------------------
# To a client
#------------------------------------------------------------------------

# Starts the client under test, with a port to connect to.
proc ::pyossl::expect::conversation::script::Start {port} {
    variable now
    set words [dict get $now(settings) -client]
    set map [list %port% $port]
    if {[string first %ca% $words] >= 0} {
	lappend map %ca% [::pyossl::expect::authority::cafile]
    }
    return [spawn -noecho program -encoding binary \
	{*}[lmap word $words {string map $map $word}]]
}

# called --
#	The client under test is started, and has sent its ClientHello.
# Results:
#	The ClientHello, decoded.
proc ::pyossl::expect::conversation::script::called {} {
    variable now
    upvar 1 spawn_id connection
    set listener [spawn -noecho raw -listen]
    set connection [Accept $listener]
    expect -i $connection -timeout [Patience] -message ClientHello {
	set now(hello) $expect_out(message)
    } -closed * {
	fail "the client connected and left"
    } timeout {
	fail "the client connected and said nothing"
    }
    return $now(hello)
}

# Starts the client on a listener; the id of its connection.
proc ::pyossl::expect::conversation::script::Accept {listener} {
    set program [Start [endpoint $listener port]]
    # A program takes its time to start.
    expect -timeout [expr {[Patience] + 5}] -i $listener -accept {
	return $expect_out(spawn_id)
    } -i $program eof {
	fail "the client has ended before it connected:\
	    [string range [string trim $expect_out(buffer)] 0 200]"
    } timeout {
	fail "the client did not connect"
    }
}

# tell name ?-drop names? ?-add extensions? ?field value ...? --
#	Sends a message of the server's, as it should be but for the fields that
#	are given.
proc ::pyossl::expect::conversation::script::tell {name args} {
    upvar 1 spawn_id spawn_id
    send -i $spawn_id -handshake $name [message $name {*}$args]
}

# message name ?-drop names? ?-add extensions? ?field value ...? --
#	The fields of a message for the client under test. What a ServerHello
#	and ServerKeyExchange depend on of those before them is remembered.
proc ::pyossl::expect::conversation::script::message {name args} {
    variable now
    set options {-drop {} -add {}}
    while {[dict exists $options [lindex $args 0]]} {
	set args [lassign $args option value]
	dict set options $option $value
    }
    switch -- $name {
	ServerHello - HelloRetryRequest {
	    set fields [$name]
	    set drop [lmap extension [dict get $options -drop] {
		::pyossl::expect::names::code extension $extension
	    }]
	    dict set fields extensions [concat [lmap extension \
		    [dict get $fields extensions] {
		if {[::pyossl::expect::names::code extension \
			[dict get $extension extension_type]] in $drop} continue
		set extension
	    }] [dict get $options -add]]
	}
	Certificate {
	    set fields [dict create version TLSv1.2 certificate_list [Chain]]
	}
	ServerKeyExchange {
	    set fields [KeyExchange $args]
	}
	default {
	    set fields {}
	}
    }
    set fields [dict merge $fields $args]
    if {$name eq "ServerHello"} {
	set now(random) [dict get $fields random]
    }
    return $fields
}

# A ServerHello that fits the client's hello.
proc ::pyossl::expect::conversation::script::ServerHello {} {
    variable now
    set now(suite) [Suite]
    set fields [dict create legacy_version TLSv1.2 cipher_suite $now(suite) \
	random [::pyossl::rand bytes 32]]
    if {$now(version) eq "TLSv1.3"} {
	dict set fields legacy_session_id_echo \
	    [dict get $now(hello) legacy_session_id]
	dict set fields extensions [list {
	    extension_type supported_versions selected_version TLSv1.3
	} [list extension_type key_share server_share [list \
	    group [Group] key_exchange [PublicKey [Group]]]]]
	return $fields
    }
    dict set fields legacy_session_id_echo [::pyossl::rand bytes 32]
    set extensions {}
    if {[extension $now(hello) renegotiation_info] ne ""
	    || "TLS_EMPTY_RENEGOTIATION_INFO_SCSV" in \
	    [dict get $now(hello) cipher_suites]} {
	lappend extensions {extension_type renegotiation_info}
    }
    if {[extension $now(hello) extended_master_secret] ne ""} {
	lappend extensions {extension_type extended_master_secret}
    }
    dict set fields extensions $extensions
    return $fields
}

# A HelloRetryRequest for a group that the client has sent no share of.
proc ::pyossl::expect::conversation::script::HelloRetryRequest {} {
    variable now
    set now(suite) [Suite]
    return [dict create legacy_version TLSv1.2 cipher_suite $now(suite) \
	legacy_session_id_echo [dict get $now(hello) legacy_session_id] \
	extensions [list {
	    extension_type supported_versions selected_version TLSv1.3
	} [list extension_type key_share selected_group [Unshared]]]]
}

# The suite to choose of those that the client offers.
proc ::pyossl::expect::conversation::script::Suite {} {
    variable now
    variable suites13
    variable suites12
    set known [expr {$now(version) eq "TLSv1.3" ? $suites13
	: [lsearch -all -inline $suites12 *ECDHE*]}]
    foreach suite $known {
	if {$suite in [dict get $now(hello) cipher_suites]} {
	    return $suite
	}
    }
    skip "the client offers no cipher suite of the usual ones"
}

# The groups of the client's shares, and one of them that there is a key for.
proc ::pyossl::expect::conversation::script::Shares {} {
    variable now
    return [lmap share [dict get [extension $now(hello) key_share] \
	    client_shares] {dict get $share group}]
}
proc ::pyossl::expect::conversation::script::Group {} {
    foreach group {x25519 secp256r1} {
	if {$group in [Shares]} {
	    return $group
	}
    }
    skip "the client has no share of x25519 or secp256r1"
}

# A group that it supports and has no share of.
proc ::pyossl::expect::conversation::script::Unshared {} {
    variable now
    foreach group [dict get [extension $now(hello) supported_groups] \
	    named_group_list] {
	if {$group ni [Shares] && ![string is integer $group]
		&& $group in {x25519 secp256r1 secp384r1 secp521r1}} {
	    return $group
	}
    }
    skip "the client has a share of each group"
}

# The certificates of the server that the harness is, as DER.
proc ::pyossl::expect::conversation::script::Chain {} {
    return [lmap pem [list [dict get [Identity] certificate] \
	    [::pyossl::expect::authority::ca]] {
	# What comes before the first certificate's end is enough.
	regexp -- {-----BEGIN CERTIFICATE-----(.*?)-----END} $pem - base64
	binary decode base64 $base64
    }]
}

proc ::pyossl::expect::conversation::script::Identity {} {
    variable now
    return [::pyossl::expect::authority::issue \
	[expr {[string match *_RSA_* $now(suite)] ? "RSA" : "EC"}]]
}

# A ServerKeyExchange of ECDHE, with a signature that is right for its fields.
proc ::pyossl::expect::conversation::script::KeyExchange {given} {
    variable now
    variable point
    set fields [dict merge [dict create key_exchange ecdhe version TLSv1.2 \
	curve_type named_curve namedcurve secp256r1 public $point] $given]
    set rsa [string match *_RSA_* $now(suite)]
    dict set fields algorithm \
	[expr {$rsa ? "rsa_pkcs1_sha256" : "ecdsa_secp256r1_sha256"}]
    # What is signed is all that stands before the algorithm.
    set parameters [string range [encode ServerKeyExchange [dict merge $fields \
	{algorithm 0 signature {}}]] 4 end-4]
    set key [::pyossl::load_privatekey PEM [dict get [Identity] key]]
    dict set fields signature [::pyossl::sign $key \
	[dict get $now(hello) random]$now(random)$parameters sha256]
    $key destroy
    return $fields
}

# again --
#	The client answers a HelloRetryRequest with its second ClientHello, which
#	is the one that what is told depends on from now on.
# Results:
#	It, decoded.
proc ::pyossl::expect::conversation::script::again {} {
    variable now
    upvar 1 spawn_id spawn_id
    expect -i $spawn_id -timeout [Patience] -message ClientHello {
	set now(hello) $expect_out(message)
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came instead of a second\
	    ClientHello"
    } -closed * {
	fail "the end ($expect_out(closed)) came instead of a second\
	    ClientHello"
    } timeout {
	fail "no second ClientHello came"
    }
    return $now(hello)
}

# offered name --
#	Tells the messages of a flight of TLS 1.2, up to this one.
proc ::pyossl::expect::conversation::script::offered {last} {
    upvar 1 spawn_id spawn_id
    foreach name {ServerHello Certificate ServerKeyExchange ServerHelloDone} {
	tell $name
	if {$name eq $last} {
	    return
	}
    }
}

# answers name --
#	The client goes on, with this message.
# Results:
#	It, decoded.
proc ::pyossl::expect::conversation::script::answers {name} {
    upvar 1 spawn_id spawn_id
    expect -i $spawn_id -timeout [Patience] -message $name -from peer {
	return $expect_out(message)
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came instead of a $name"
    } -closed * {
	fail "the end ($expect_out(closed)) came instead of a $name"
    } timeout {
	fail "no $name came"
    }
}
